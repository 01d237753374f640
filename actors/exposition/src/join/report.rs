//! What was left out of a joined body, and why.

use super::input::{Input, ReadLine};
use super::left_out::{Conflict, Duplicate, Refusal};
use crate::fault::{shown, shown_line};

/// The maximum number of conflicts in [`Joined::conflicts`](super::Joined::conflicts).
pub(super) const MAX_CONFLICTS: usize = 1000;

/// The maximum number of duplicates in [`Joined::duplicate_series`](super::Joined::duplicate_series).
pub(super) const MAX_DUPLICATES: usize = 100;

/// What was left out so far.
pub(super) struct Report<'i, 'f> {
    input: &'i Input<'f>,
    pub(super) duplicates: usize,
    pub(super) duplicate_series: Vec<Duplicate>,
    pub(super) conflicts: Vec<Conflict>,
}

impl<'i, 'f> Report<'i, 'f> {
    pub(super) const fn new(input: &'i Input<'f>) -> Self {
        Self {
            input,
            duplicates: 0,
            duplicate_series: Vec::new(),
            conflicts: Vec::new(),
        }
    }

    /// A file, or a family of it, is left out.
    pub(super) fn conflict(&mut self, dropped: usize, family: &[u8], refusal: Refusal) {
        if self.conflicts.len() >= MAX_CONFLICTS {
            return;
        }
        let kept = refusal.because_of.map_or("", |file| self.input.name(file));
        self.conflicts.push(Conflict {
            dropped: self.input.name(dropped).to_owned(),
            kept: kept.to_owned(),
            family: shown(family),
            message: refusal.message,
        });
    }

    /// A sample line is left out because the file `kept` has its series.
    pub(super) fn duplicate(&mut self, line: &ReadLine<'f>, kept: usize) {
        self.duplicates += 1;
        if self.duplicate_series.len() >= MAX_DUPLICATES {
            return;
        }
        self.duplicate_series.push(Duplicate {
            dropped: self.input.name(line.file).to_owned(),
            kept: self.input.name(kept).to_owned(),
            series: shown_line(self.input.series(line)),
        });
    }
}
