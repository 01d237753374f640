//! What a later layer replaces as a whole; everything else is merged key by key.
//!
//! A selector belongs to one file: a mixture of two could mean what neither of
//! them says. And where to listen can be said in two ways, of which the one that
//! was chosen last counts.

use crate::document::Document;
use crate::flags::Flags;
use crate::variables::Variables;

/// Where selectors are.
pub(crate) const SELECTORS: [&str; 2] = ["bridge", "selectors"];
/// The two ways to say where to listen.
const LISTEN: &[[&str; 2]] = &[["service", "listen"]];
const ADDRESS: &[[&str; 2]] = &[["service", "address"], ["service", "port"]];

/// Takes out of each layer what a later one says anew. The documents are in order.
pub(crate) fn apply(documents: &mut [Document<'_>], variables: &mut Variables, flags: &Flags) {
    one_file_a_selector(documents);
    one_way_to_listen(documents, variables, flags);
}

fn one_file_a_selector(documents: &mut [Document<'_>]) {
    let mut rest = documents;
    while let Some((last, earlier)) = rest.split_last_mut() {
        for name in last.keys(&SELECTORS) {
            for document in earlier.iter_mut() {
                document.remove(&[SELECTORS[0], SELECTORS[1], &name]);
            }
        }
        rest = earlier;
    }
}

fn one_way_to_listen(documents: &mut [Document<'_>], variables: &mut Variables, flags: &Flags) {
    let among =
        |keys: &[[&str; 2]], holds: &dyn Fn(&[&str]) -> bool| keys.iter().any(|key| holds(key));
    // The keys that a layer makes pointless in those below it. One that says both is an error.
    let pointless =
        |holds: &dyn Fn(&[&str]) -> bool| match (among(LISTEN, holds), among(ADDRESS, holds)) {
            (true, false) => Some(ADDRESS),
            (false, true) => Some(LISTEN),
            (true, true) => Some(&[][..]),
            (false, false) => None,
        };
    let mut forgotten = pointless(&|path| flags.holds(path));
    if let Some(keys) = forgotten {
        keys.iter().for_each(|key| variables.forget(key));
    }
    forgotten = forgotten.or_else(|| pointless(&|path| variables.holds(path)));
    for document in documents.iter_mut().rev() {
        match forgotten {
            Some(keys) => keys.iter().for_each(|key| document.remove(key)),
            None => forgotten = pointless(&|path| document.holds(path)),
        }
    }
}
