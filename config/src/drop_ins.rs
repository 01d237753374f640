//! Which drop-ins take effect: without those that have errors, or with their last valid text instead.
//!
//! Reads no files. Errors are found by the merger, which asks for the remaining drop-ins after each
//! round.

use crate::document::Document;
use crate::error::ConfigError;
use crate::input::{Input, whole_file};
use crate::precedence::{Contested, SELECTORS};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The most times that the layers are read again without the drop-ins that had errors.
const MAX_ROUNDS: usize = 16;
const TOO_MANY_COMPETITORS: &str =
    "not read: more than 16 drop-ins with errors define a selector that this one defines too";

/// The texts of the drop-ins that take effect, by the name of the file, for the next load. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastValid(Arc<BTreeMap<String, Input>>);

impl LastValid {
    pub(crate) fn get(&self, file: &str) -> Option<&Input> {
        self.0.get(file)
    }
}

/// The drop-ins of a loaded configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DropInState {
    /// Those with errors, by the name of the file.
    pub rejected: BTreeMap<String, Rejected>,
    /// The selectors that several of them define.
    pub contested: Vec<Contested>,
    /// The texts in use, for the next load.
    pub last_valid: LastValid,
}

/// The consequence of an error in a drop-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Its selectors are missing.
    LeftOut,
    /// The selectors of its last valid text stay.
    Kept,
}

impl DropInState {
    /// The number of drop-ins with errors that have this consequence.
    #[must_use]
    pub fn count(&self, rejected: Rejected) -> usize {
        self.rejected
            .values()
            .filter(|one| **one == rejected)
            .count()
    }
}

/// The drop-ins of the current round.
#[derive(Debug)]
pub(crate) struct ActiveDropIns<'i> {
    active: Vec<&'i Input>,
    /// The names of those whose last valid text is used.
    kept: BTreeSet<&'i str>,
    left_out: BTreeSet<&'i str>,
    last_valid: &'i LastValid,
    rounds: usize,
}

impl<'i> ActiveDropIns<'i> {
    /// Begins with all that could be read. `unreadable` have errors already; for those with a last valid
    /// text, it is among `inputs`.
    pub(crate) fn new(
        inputs: &'i [Input],
        unreadable: &'i [ConfigError],
        last_valid: &'i LastValid,
    ) -> Self {
        let unreadable = unreadable.iter().filter_map(|error| error.location.file());
        let (kept, left_out) = unreadable.partition(|file| last_valid.get(file).is_some());
        Self {
            active: inputs.iter().collect(),
            kept,
            left_out,
            last_valid,
            rounds: 0,
        }
    }

    pub(crate) fn inputs(&self) -> &[&'i Input] {
        &self.active
    }

    /// Whether the last valid text of a file is used. It was accepted with the files that it names, which
    /// may have errors now.
    pub(crate) fn is_kept(&self, file: &str) -> bool {
        self.kept.contains(file)
    }

    /// Whether all of them take effect.
    pub(crate) fn are_complete(&self) -> bool {
        self.left_out.is_empty()
    }

    /// Replaces or removes the drop-ins with one of these errors. Returns the errors of drop-ins and the
    /// others.
    pub(crate) fn reject(
        &mut self,
        found: Vec<ConfigError>,
    ) -> (Vec<ConfigError>, Vec<ConfigError>) {
        let names: HashSet<&str> = self
            .active
            .iter()
            .map(|input| input.name.as_str())
            .collect();
        let (mut theirs, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|error| {
            let file = error.location.file();
            file.is_some_and(|file| names.contains(file))
        });
        let wrong = theirs.iter().filter_map(|error| error.location.file());
        let wrong: HashSet<String> = wrong.map(str::to_owned).collect();
        let mut removed = Vec::new();
        for input in std::mem::take(&mut self.active) {
            let last = self.last_valid.get(&input.name);
            match last.filter(|_| !self.kept.contains(input.name.as_str())) {
                _ if !wrong.contains(&input.name) => self.active.push(input),
                Some(last) => {
                    self.kept.insert(&input.name);
                    self.active.push(last);
                }
                None => removed.push(input),
            }
        }
        self.leave_out(&removed);
        self.rounds += usize::from(!wrong.is_empty());
        if self.rounds == MAX_ROUNDS {
            theirs.extend(self.take_competitors(&removed));
        }
        (theirs, others)
    }

    fn leave_out(&mut self, removed: &[&'i Input]) {
        for input in removed {
            self.kept.remove(input.name.as_str());
            self.left_out.insert(&input.name);
        }
    }

    /// Removes the drop-ins that define a selector of those that were left out, and returns an error for
    /// each.
    fn take_competitors(&mut self, removed: &[&'i Input]) -> Vec<ConfigError> {
        let names = |input: &&Input| {
            let document = Document::parse(&input.name, &input.text);
            document.map_or_else(|_| Vec::new(), |document| document.keys(&SELECTORS))
        };
        let contested: HashSet<String> = removed.iter().flat_map(names).collect();
        let competes = |input: &&Input| names(input).iter().any(|name| contested.contains(name));
        let active = std::mem::take(&mut self.active);
        let (competitors, active): (Vec<_>, Vec<_>) = active.into_iter().partition(competes);
        self.active = active;
        self.leave_out(&competitors);
        let error = |input: &&Input| whole_file(&input.name, TOO_MANY_COMPETITORS).0;
        competitors.iter().flat_map(error).collect()
    }

    /// The result, for the log and for the next load.
    pub(crate) fn finish(&self, contested: Vec<Contested>) -> DropInState {
        let left_out = self.left_out.iter().map(|file| (*file, Rejected::LeftOut));
        let kept = self.kept.iter().map(|file| (*file, Rejected::Kept));
        let rejected = left_out.chain(kept);
        let texts = self.active.iter();
        DropInState {
            rejected: rejected.map(|(file, how)| (file.to_owned(), how)).collect(),
            contested,
            last_valid: LastValid(Arc::new(
                texts
                    .map(|input| (input.name.clone(), (*input).clone()))
                    .collect(),
            )),
        }
    }
}
