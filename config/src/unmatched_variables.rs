//! Variables that change a selector whose drop-in was left out or is masked.
//!
//! The selectors of such a drop-in are unknown, since it may not even be TOML. So a variable
//! for a selector that no file defines, and no other variable, is left out as well.

use crate::document::Document;
use crate::error::{ConfigError, Location};
use crate::error_list::ErrorList;
use crate::precedence::SELECTORS;
use crate::variables::Variables;
use std::collections::HashSet;

/// Removes these variables and returns an error for each.
pub(crate) fn take(documents: &[Document<'_>], variables: &mut Variables) -> Vec<ConfigError> {
    let in_files = documents.iter().flat_map(|one| one.keys(&SELECTORS));
    let in_files: HashSet<String> = in_files.collect();
    let taken = variables.take_entries(&SELECTORS, |name, is_defined| {
        !is_defined && !in_files.contains(name)
    });
    let error = |(variable, key)| ConfigError {
        location: Location::Environment(variable),
        key,
        found: "it changes a selector whose drop-in was left out or is masked".to_owned(),
        expected: String::new(),
    };
    let list: ErrorList = taken.into_iter().map(error).collect();
    list.into_errors()
}
