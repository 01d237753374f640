//! The series of one family so far: which samples are new, and which are left out.
//!
//! All samples of one histogram, summary or state set must come from one file: buckets of two files, for example, would
//! not be cumulative. A file that declares the type comes before one that does not, so that a sample that only has the
//! same name displaces no histogram.

use super::input::{Input, LineReader, ReadLine};
use super::lines::{LineIndex, Lines};
use super::series_rules::SeriesRules;
use crate::entry::{Entry, Label, Sample};
use crate::series::SeriesHasher;
use hashbrown::HashTable;

/// What becomes of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is served.
    New,
    /// This file has its series.
    Duplicate(usize),
    /// It has the name of the family, but is no part of the metric that this file has.
    NotPart(usize),
}

/// How a sample is compared with others: by its series, or by the metric that it is part of.
#[derive(Clone, Copy)]
enum By {
    Series,
    Metric,
}

/// The samples of one family so far.
pub(super) struct SeenSamples<'m, 'i, 'f> {
    finder: Finder<'m, 'i, 'f>,
    /// The first line of each series.
    series: HashTable<LineIndex>,
    /// The first line of each metric that has parts, in the file that owns it.
    owners: HashTable<LineIndex>,
    /// A file that declares the type of the family and has samples of it.
    declaring_file: Option<usize>,
}

impl<'m, 'i, 'f> SeenSamples<'m, 'i, 'f> {
    /// For a family with at most `count` samples.
    pub(super) fn new(
        input: &'i Input<'f>,
        lines: &'m Lines,
        hasher: &'m SeriesHasher,
        rules: SeriesRules<'m>,
        count: usize,
    ) -> Self {
        Self {
            finder: Finder {
                input,
                lines,
                hasher,
                rules,
                reader: input.reader(),
            },
            series: HashTable::with_capacity(count),
            owners: HashTable::with_capacity(if rules.has_parts() { count } else { 0 }),
            declaring_file: None,
        }
    }

    /// Makes the file of a sample, which declares the type, the owner of its metric, unless it has one.
    pub(super) fn set_owner(
        &mut self,
        index: LineIndex,
        line: &ReadLine<'f>,
        labels: &[Label<'f>],
    ) {
        if let Entry::Sample(sample) = &line.entry {
            self.declaring_file.get_or_insert(line.file);
            let _ = self
                .finder
                .find_or_insert(&mut self.owners, By::Metric, index, sample, labels);
        }
    }

    /// Decides whether a sample is served, and stores it if it is new.
    pub(super) fn admit(
        &mut self,
        index: LineIndex,
        line: &ReadLine<'f>,
        labels: &[Label<'f>],
    ) -> Admission {
        let Entry::Sample(sample) = &line.entry else {
            return Admission::New;
        };
        let rules = self.finder.rules;
        if rules.has_parts() {
            let declares = rules.family.declares(line.file);
            if !declares
                && !rules.is_part(sample.name.text, labels)
                && let Some(declaring) = self.declaring_file
            {
                return Admission::NotPart(declaring);
            }
            let owner =
                self.finder
                    .find_or_insert(&mut self.owners, By::Metric, index, sample, labels);
            if let Some(owner) = owner.map(|owner| self.finder.file(owner))
                && owner != line.file
            {
                let comes_later = owner > line.file;
                return if comes_later {
                    Admission::NotPart(owner)
                } else {
                    Admission::Duplicate(owner)
                };
            }
        }
        let first = self
            .finder
            .find_or_insert(&mut self.series, By::Series, index, sample, labels);
        match first.map(|first| self.finder.file(first)) {
            None => Admission::New,
            Some(file) if file == line.file && rules.may_repeat(sample) => Admission::New,
            Some(file) => Admission::Duplicate(file),
        }
    }
}

/// Finds a line again by the identity of its sample.
struct Finder<'m, 'i, 'f> {
    input: &'i Input<'f>,
    lines: &'m Lines,
    hasher: &'m SeriesHasher,
    rules: SeriesRules<'m>,
    reader: LineReader<'i, 'f>,
}

impl<'f> Finder<'_, '_, 'f> {
    fn file(&self, line: LineIndex) -> usize {
        self.input.file(self.lines.position(line))
    }

    /// The line in `table` that is the same as that of `sample`; inserts `index` if there is none.
    fn find_or_insert(
        &mut self,
        table: &mut HashTable<LineIndex>,
        by: By,
        index: LineIndex,
        sample: &Sample<'f>,
        labels: &[Label<'f>],
    ) -> Option<LineIndex> {
        let hash = self.hash(by, sample, labels);
        let found = table.find(hash, |other| self.is_same(*other, hash, by, sample, labels));
        if let Some(found) = found {
            return Some(*found);
        }
        // The table has room for all lines; it does not grow.
        table.insert_unique(hash, index, |other| self.hash_of_line(*other, by));
        None
    }

    fn hash(&self, by: By, sample: &Sample<'_>, labels: &[Label<'_>]) -> u64 {
        let hash = match by {
            By::Series => self
                .hasher
                .hash(sample.name.text, labels, &self.rules.series()),
            By::Metric => self
                .hasher
                .hash(self.rules.family.name, labels, &self.rules.metric()),
        };
        match self.rules.timestamp(sample) {
            Some(timestamp) => hash ^ self.hasher.hash_one(timestamp),
            None => hash,
        }
    }

    fn hash_of_line(&self, line: LineIndex, by: By) -> u64 {
        let mut reader = self.input.reader();
        match reader
            .read(self.lines.position(line))
            .map(|line| line.entry)
        {
            Some(Entry::Sample(sample)) => self.hash(by, &sample, reader.labels()),
            _ => 0,
        }
    }

    fn is_same(
        &mut self,
        line: LineIndex,
        hash: u64,
        by: By,
        sample: &Sample<'_>,
        labels: &[Label<'_>],
    ) -> bool {
        let line = self.reader.read(self.lines.position(line));
        let Some(Entry::Sample(other)) = line.map(|line| line.entry) else {
            return false;
        };
        let others = self.reader.labels();
        self.hash(by, &other, others) == hash
            && self.rules.timestamp(&other) == self.rules.timestamp(sample)
            && match by {
                By::Series => {
                    other.name.text == sample.name.text && self.rules.series().same(others, labels)
                }
                By::Metric => self.rules.metric().same(others, labels),
            }
    }
}
