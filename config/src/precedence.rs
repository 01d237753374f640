//! Removes what a later layer replaces as a whole. Everything else is merged key by key.
//!
//! A selector belongs to one file: merged key by key, two files could make a selector that
//! neither describes. The listeners can be written in two ways, and the last layer that has
//! one of them decides which.

use crate::document::Document;
use crate::flags::Flags;
use crate::input::Input;
use crate::variables::Variables;
use std::collections::{BTreeMap, HashSet};

/// The table of selectors.
pub(crate) const SELECTORS: [&str; 2] = ["bridge", "selectors"];
/// The two ways to describe the listeners.
const LISTEN: &[[&str; 2]] = &[["service", "listen"]];
const ADDRESS: &[[&str; 2]] = &[["service", "address"], ["service", "port"]];

/// A selector that several drop-ins define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contested {
    /// The name of the selector.
    pub selector: String,
    /// The file whose definition is used; not necessarily a drop-in.
    pub used: String,
    /// The drop-ins whose definitions are not used.
    pub ignored: Vec<String>,
}

/// Removes from each layer what a later one replaces. The documents are in the order of the layers.
/// Returns the selectors that were replaced, each with the names of all documents that define it.
pub(crate) fn apply(
    documents: &mut [Document<'_>],
    variables: &mut Variables,
    flags: &Flags,
) -> Vec<(String, Vec<String>)> {
    let replaced = keep_last_selectors(documents);
    keep_last_listeners(documents, variables, flags);
    replaced
}

/// Those of the replaced selectors that several of the drop-ins define.
pub(crate) fn contested(
    replaced: Vec<(String, Vec<String>)>,
    drop_ins: &[&Input],
) -> Vec<Contested> {
    let names: HashSet<&str> = drop_ins.iter().map(|input| input.name.as_str()).collect();
    let contested = replaced.into_iter().filter_map(|(selector, files)| {
        let in_drop_ins = files.iter().filter(|file| names.contains(file.as_str()));
        if in_drop_ins.count() < 2 {
            return None;
        }
        let (used, ignored) = files.split_first()?;
        Some(Contested {
            selector,
            used: used.clone(),
            ignored: ignored.to_vec(),
        })
    });
    contested.collect()
}

/// The names of the documents that define a replaced selector begin with the one that is used.
fn keep_last_selectors(documents: &mut [Document<'_>]) -> Vec<(String, Vec<String>)> {
    let mut names = HashSet::new();
    let mut replaced = BTreeMap::<String, Vec<String>>::new();
    for document in documents.iter_mut().rev() {
        for name in document.keep_new(&SELECTORS, &mut names) {
            let losers = replaced.entry(name).or_default();
            losers.push(document.name().to_owned());
        }
    }
    for document in documents.iter() {
        for name in document.keys(&SELECTORS) {
            if let Some(losers) = replaced.get_mut(&name) {
                losers.insert(0, document.name().to_owned());
            }
        }
    }
    replaced.into_iter().collect()
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
