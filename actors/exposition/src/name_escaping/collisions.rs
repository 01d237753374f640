//! Detects different names that become the same name.

use super::error::EscapingError;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The maximum number of characters of a name in an error.
const MAX_SHOWN: usize = 60;

/// Escaped names, and the name that each stands for.
#[derive(Debug, Default)]
pub(super) struct Escaped(HashMap<String, String>);

impl Escaped {
    /// Notes that `original` becomes `escaped`.
    ///
    /// # Errors
    ///
    /// If another name becomes the same.
    pub(super) fn note(&mut self, escaped: &str, original: &str) -> Result<(), EscapingError> {
        match self.0.entry(escaped.to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(original.to_owned());
                Ok(())
            }
            Entry::Occupied(entry) if entry.get() == original => Ok(()),
            Entry::Occupied(entry) => Err(collision(entry.get(), original, escaped)),
        }
    }

    /// Checks that a name that stays as it is stands for no other one.
    ///
    /// # Errors
    ///
    /// If it does.
    pub(super) fn check_unchanged(&self, name: &str) -> Result<(), EscapingError> {
        match self.0.get(name) {
            Some(original) if original != name => Err(collision(original, name, name)),
            _ => Ok(()),
        }
    }
}

fn collision(first: &str, second: &str, escaped: &str) -> EscapingError {
    EscapingError::Collision {
        first: shown(first),
        second: shown(second),
        escaped: shown(escaped),
    }
}

/// A name for a message: shortened, and without characters that affect a terminal.
fn shown(name: &str) -> String {
    let mut text: String = name
        .chars()
        .take(MAX_SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().nth(MAX_SHOWN).is_some() {
        text.push('…');
    }
    text
}
