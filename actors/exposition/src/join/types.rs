//! The types that the files declare.
//!
//! The first file that declares a type for a family decides. `untyped` and `unknown` count as no type and never conflict.

use super::input::{Input, Position};
use crate::metric_type::{Dialect, MetricType};
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// A family that has a TYPE line.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeclaredFamily {
    name: Position,
    length: u32,
    pub(super) metric_type: MetricType,
    /// The file that declared the type.
    pub(super) owner: u32,
    /// The last file with a TYPE line of the family.
    last_file: u32,
}

/// The index of a declared family.
pub(super) type FamilyIndex = u32;

/// A family that is left out of a file, because its type there is another one.
#[derive(Clone, Copy, Debug)]
struct Dropped {
    file: u32,
    family: FamilyIndex,
    metric_type: MetricType,
}

/// Two files declare different types for a family.
#[derive(Clone, Copy, Debug)]
pub(super) struct TypeConflict {
    pub(super) here: MetricType,
    pub(super) there: MetricType,
    pub(super) owner: u32,
}

/// The declared families, and in which files they are left out.
pub(super) struct Types<'i, 'f> {
    input: &'i Input<'f>,
    hashing: RandomState,
    families: Vec<DeclaredFamily>,
    /// Indexes of `families`, by name.
    table: HashTable<FamilyIndex>,
    /// Ordered by file and family, once all files are [declared](Self::end_file).
    dropped: Vec<Dropped>,
    /// The first of `dropped` that belongs to the current file.
    dropped_in_file: usize,
}

impl<'i, 'f> Types<'i, 'f> {
    /// For files with at most `count` TYPE lines.
    pub(super) fn new(input: &'i Input<'f>, count: usize) -> Self {
        Self {
            input,
            hashing: RandomState::new(),
            families: Vec::with_capacity(count),
            table: HashTable::with_capacity(count),
            dropped: Vec::with_capacity(count),
            dropped_in_file: 0,
        }
    }

    /// Adds the TYPE line of a family. Only the first one of each file counts.
    pub(super) fn declare(
        &mut self,
        file: usize,
        name: &'f [u8],
        metric_type: MetricType,
    ) -> Option<TypeConflict> {
        let file_index = u32::try_from(file).unwrap_or(u32::MAX);
        let Some(index) = self.find(name) else {
            self.add(DeclaredFamily {
                name: self.input.position(file, name),
                length: u32::try_from(name.len()).unwrap_or(u32::MAX),
                metric_type,
                owner: file_index,
                last_file: file_index,
            });
            return None;
        };
        let family = self.families.get_mut(index as usize)?;
        if std::mem::replace(&mut family.last_file, file_index) == file_index
            || metric_type == MetricType::Unknown
        {
            return None;
        }
        if family.metric_type == MetricType::Unknown {
            family.metric_type = metric_type;
            family.owner = file_index;
        }
        let (there, owner) = (family.metric_type, family.owner);
        if there == metric_type {
            return None;
        }
        self.dropped.push(Dropped {
            file: file_index,
            family: index,
            metric_type,
        });
        Some(TypeConflict {
            here: metric_type,
            there,
            owner,
        })
    }

    /// Ends a file. Files are declared in their order.
    pub(super) fn end_file(&mut self) {
        if let Some(own) = self.dropped.get_mut(self.dropped_in_file..) {
            own.sort_unstable_by_key(|dropped| dropped.family);
        }
        self.dropped_in_file = self.dropped.len();
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.input.dialect()
    }

    /// The declared family that a sample belongs to: one whose type has samples of this name, or one of the same name.
    pub(super) fn family_of_sample(&self, name: &[u8]) -> Option<FamilyIndex> {
        let stem = split(name).and_then(|(stem, suffix)| {
            let index = self.find(stem)?;
            let family = self.get(index)?;
            family
                .metric_type
                .has_suffix(suffix, self.dialect())
                .then_some(index)
        });
        stem.or_else(|| self.find(name))
    }

    /// Whether a sample or a line of metadata belongs to a family that is left out of its file.
    pub(super) fn is_dropped(&self, file: usize, name: &[u8], is_sample: bool) -> bool {
        if self.dropped.is_empty() {
            return false;
        }
        if self.dropped_type(file, name).is_some() {
            return true;
        }
        let stem = split(name).filter(|_| is_sample);
        stem.is_some_and(|(stem, suffix)| {
            let dropped = self.dropped_type(file, stem);
            dropped.is_some_and(|metric_type| metric_type.has_suffix(suffix, self.dialect()))
        })
    }

    /// The declared family with this name.
    pub(super) fn find(&self, name: &[u8]) -> Option<FamilyIndex> {
        if self.families.is_empty() {
            return None;
        }
        let hash = self.hashing.hash_one(name);
        let found = self.table.find(hash, |index| self.name(*index) == name);
        found.copied()
    }

    pub(super) fn get(&self, index: FamilyIndex) -> Option<&DeclaredFamily> {
        self.families.get(index as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.families.len()
    }

    /// The name of a declared family.
    pub(super) fn name(&self, index: FamilyIndex) -> &'f [u8] {
        let family = self.get(index);
        family.map_or(&[], |family| self.input.bytes(family.name, family.length))
    }

    fn add(&mut self, family: DeclaredFamily) {
        let name = self.input.bytes(family.name, family.length);
        let hash = self.hashing.hash_one(name);
        let index = FamilyIndex::try_from(self.families.len()).unwrap_or(FamilyIndex::MAX);
        self.families.push(family);
        let (families, input, hashing) = (&self.families, self.input, &self.hashing);
        self.table.insert_unique(hash, index, |index| {
            let family = families.get(*index as usize);
            hashing
                .hash_one(family.map_or(&[][..], |family| input.bytes(family.name, family.length)))
        });
    }

    /// The type that a family has in a file that it is left out of.
    fn dropped_type(&self, file: usize, family: &[u8]) -> Option<MetricType> {
        let family = self.find(family)?;
        let key = (u32::try_from(file).unwrap_or(u32::MAX), family);
        let place = self
            .dropped
            .binary_search_by_key(&key, |dropped| (dropped.file, dropped.family));
        self.dropped
            .get(place.ok()?)
            .map(|dropped| dropped.metric_type)
    }
}

/// Splits a name before its last underscore. No suffix of a type has a second one.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let cut = name.iter().rposition(|byte| *byte == b'_')?;
    name.split_at_checked(cut)
}
