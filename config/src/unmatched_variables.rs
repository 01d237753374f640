//! Variables that change a selector whose drop-in was left out or is masked.
//!
//! The selectors of such a drop-in are unknown, since it may not even be TOML. So a variable
//! for a selector that no file defines, and no other variable, is left out as well.

use crate::document::Document;
use crate::error::{ConfigError, Location};
use crate::precedence::SELECTORS;
use crate::variables::Variables;

/// Removes these variables and returns an error for each.
pub(crate) fn take(documents: &[Document<'_>], variables: &mut Variables) -> Vec<ConfigError> {
    let mut taken = Vec::new();
    for name in variables.keys(&SELECTORS) {
        let path = [SELECTORS[0], SELECTORS[1], &name];
        let in_a_file = documents.iter().any(|document| document.holds(&path));
        // As a bare directory, or as a table.
        let defined = variables.sets(&path) || variables.sets(&[path[0], path[1], path[2], "kind"]);
        if !in_a_file && !defined {
            taken.extend(variables.take_below(&path));
        }
    }
    let error = |(variable, key)| ConfigError {
        location: Location::Environment(variable),
        key,
        found: "it changes a selector whose drop-in was left out or is masked".to_owned(),
        expected: String::new(),
    };
    taken.into_iter().map(error).collect()
}
