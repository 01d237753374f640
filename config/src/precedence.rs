//! Removes what a later layer replaces as a whole. Everything else is merged key by key.
//!
//! A selector belongs to one file: merged key by key, two files could make a selector that
//! neither describes. The listeners can be written in two ways, and the last layer that has
//! one of them decides which.

use crate::document::Document;
use crate::flags::Flags;
use crate::variables::Variables;
use std::collections::HashSet;

/// The table of selectors.
pub(crate) const SELECTORS: [&str; 2] = ["bridge", "selectors"];
/// The two ways to describe the listeners.
const LISTEN: &[[&str; 2]] = &[["service", "listen"]];
const ADDRESS: &[[&str; 2]] = &[["service", "address"], ["service", "port"]];

/// Removes from each layer what a later one replaces. The documents are in the order of the layers.
pub(crate) fn apply(documents: &mut [Document<'_>], variables: &mut Variables, flags: &Flags) {
    keep_last_selectors(documents);
    keep_last_listeners(documents, variables, flags);
}

fn keep_last_selectors(documents: &mut [Document<'_>]) {
    let mut names = HashSet::new();
    for document in documents.iter_mut().rev() {
        document.keep_new(&SELECTORS, &mut names);
    }
}

fn keep_last_listeners(documents: &mut [Document<'_>], variables: &mut Variables, flags: &Flags) {
    let among =
        |keys: &[[&str; 2]], holds: &dyn Fn(&[&str]) -> bool| keys.iter().any(|key| holds(key));
    // The keys that a layer overrides in those below it. A layer with both ways is an error.
    let overridden =
        |holds: &dyn Fn(&[&str]) -> bool| match (among(LISTEN, holds), among(ADDRESS, holds)) {
            (true, false) => Some(ADDRESS),
            (false, true) => Some(LISTEN),
            (true, true) => Some(&[][..]),
            (false, false) => None,
        };
    let mut removed = overridden(&|path| flags.holds(path));
    if let Some(keys) = removed {
        keys.iter().for_each(|key| variables.remove(key));
    }
    removed = removed.or_else(|| overridden(&|path| variables.holds(path)));
    for document in documents.iter_mut().rev() {
        match removed {
            Some(keys) => keys.iter().for_each(|key| document.remove(key)),
            None => removed = overridden(&|path| document.holds(path)),
        }
    }
}
