//! Variables that change a selector whose drop-in is not there.
//!
//! A drop-in that is left out or masked takes its selectors with it. Which those
//! were, nobody can tell: it may not even be TOML. So a variable for a selector
//! that no file has, and that no variable makes, goes with it.

use crate::document::Document;
use crate::error::{ConfigError, Location};
use crate::precedence::SELECTORS;
use crate::variables::Variables;

/// Takes them away, and tells of each.
pub(crate) fn take(documents: &[Document<'_>], variables: &mut Variables) -> Vec<ConfigError> {
    let mut taken = Vec::new();
    for name in variables.keys(&SELECTORS) {
        let path = [SELECTORS[0], SELECTORS[1], &name];
        let in_a_file = documents.iter().any(|document| document.holds(&path));
        // A bare directory, or a selector of any other kind.
        let made = variables.sets(&path) || variables.sets(&[path[0], path[1], path[2], "kind"]);
        if !in_a_file && !made {
            taken.extend(variables.take_below(&path));
        }
    }
    let told = |(variable, key)| ConfigError {
        location: Location::Environment(variable),
        key,
        found: "it changes a selector whose drop-in was left out or is masked".to_owned(),
        expected: String::new(),
    };
    taken.into_iter().map(told).collect()
}
