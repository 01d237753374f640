//! Gathers the lines of several files by family.
//!
//! A sample belongs to the family that any of the files declares for it, or else to the one of its own name.

use super::input::{Input, LineReader, Position};
use super::lines::{LineIndex, Lines};
use super::types::{FamilyIndex, Types};
use crate::entry::{Entry, Name};
use crate::names::continues_name;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// The lines so far, and how to find those of each family.
pub(super) struct Gatherer<'i, 'f> {
    input: &'i Input<'f>,
    types: &'i Types<'i, 'f>,
    lines: Lines,
    /// The last line of each declared family, if it has any.
    declared: Vec<Option<LineIndex>>,
    /// The last line of each other family, by its name.
    others: HashTable<LineIndex>,
    hashing: RandomState,
    probe: LineReader<'i, 'f>,
}

/// What finds the last line of a family.
#[derive(Clone, Copy)]
enum FamilyKey<'f> {
    Declared(FamilyIndex),
    Other(&'f [u8]),
}

/// Lines with the same name that follow each other.
struct Run<'f> {
    name: Name<'f>,
    is_sample: bool,
    /// The family and its last line; `None` if it is left out of the file.
    family: Option<(FamilyKey<'f>, LineIndex)>,
}

impl<'i, 'f> Gatherer<'i, 'f> {
    /// For files with at most `count` lines of samples and metadata.
    pub(super) fn new(input: &'i Input<'f>, types: &'i Types<'i, 'f>, count: usize) -> Self {
        Self {
            input,
            types,
            lines: Lines::new(count),
            declared: vec![None; types.len()],
            others: HashTable::with_capacity(count),
            hashing: RandomState::new(),
            probe: input.reader(),
        }
    }

    /// Adds the lines of a file, except those of families that are left out of it.
    pub(super) fn add_file(&mut self, file: usize) {
        let mut reader = self.input.reader();
        reader.begin(file);
        let mut run: Option<Run<'f>> = None;
        while let Some(line) = reader.next(file) {
            let Some(name) = line.entry.name() else {
                continue;
            };
            let is_sample = matches!(line.entry, Entry::Sample(_));
            match &mut run {
                Some(run) if run.name == name && run.is_sample == is_sample => {
                    if let Some((_, last)) = &mut run.family {
                        *last = self.lines.add(line.position, *last);
                    }
                }
                _ => {
                    self.end(run.take());
                    run = Some(self.begin(file, line.position, name, is_sample));
                }
            }
        }
        self.end(run);
    }

    /// All lines, once every file is added.
    pub(super) fn into_lines(self) -> Lines {
        self.lines
    }

    fn begin(
        &mut self,
        file: usize,
        position: Position,
        name: Name<'f>,
        is_sample: bool,
    ) -> Run<'f> {
        let served = !self.types.is_dropped(file, name.text, is_sample);
        let family = served.then(|| {
            let declared = if is_sample {
                self.types.family_of_sample(name.text)
            } else {
                self.types.find(name.text)
            };
            let key = declared.map_or(FamilyKey::Other(name.text), FamilyKey::Declared);
            let last = match self.last_line(key) {
                Some(last) => self.lines.add(position, last),
                None => self.lines.add_first(position),
            };
            self.set_last_line(key, last);
            (key, last)
        });
        Run {
            name,
            is_sample,
            family,
        }
    }

    fn end(&mut self, run: Option<Run<'f>>) {
        if let Some((key, last)) = run.and_then(|run| run.family) {
            self.set_last_line(key, last);
        }
    }

    fn last_line(&mut self, family: FamilyKey<'f>) -> Option<LineIndex> {
        match family {
            FamilyKey::Declared(index) => *self.declared.get(index as usize)?,
            FamilyKey::Other(name) => self.other(name).copied(),
        }
    }

    fn set_last_line(&mut self, family: FamilyKey<'f>, last: LineIndex) {
        match family {
            FamilyKey::Declared(index) => {
                if let Some(family) = self.declared.get_mut(index as usize) {
                    *family = Some(last);
                }
            }
            FamilyKey::Other(name) => {
                if let Some(family) = self.other(name) {
                    *family = last;
                    return;
                }
                let (input, lines, hashing) = (self.input, &self.lines, &self.hashing);
                let hash = hashing.hash_one(name);
                self.others.insert_unique(hash, last, |line| {
                    let line = input.reader().read(lines.position(*line));
                    let name = line.and_then(|line| line.entry.name());
                    hashing.hash_one(name.map_or(&[][..], |name| name.text))
                });
            }
        }
    }

    /// The last line of a family that no file declares.
    fn other(&mut self, name: &[u8]) -> Option<&mut LineIndex> {
        let (input, lines, probe) = (self.input, &self.lines, &mut self.probe);
        let hash = self.hashing.hash_one(name);
        self.others.find_mut(hash, |line| {
            let position = lines.position(*line);
            has_name(input.rest(position), name).unwrap_or_else(|| {
                let line = probe.read(position);
                line.and_then(|line| line.entry.name())
                    .is_some_and(|own| own.text == name)
            })
        })
    }
}

/// Whether a line has this name, if it starts with a name without quotes.
fn has_name(line: &[u8], name: &[u8]) -> Option<bool> {
    let first = line.first().copied()?;
    continues_name(first).then(|| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.first().is_none_or(|byte| !continues_name(*byte)))
    })
}
