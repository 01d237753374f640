//! File name patterns: which names in a directory are served, and where a path has a wildcard.
//!
//! Pure: looks at no file system.

use glob::{MatchOptions, Pattern};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Names as a shell would match them: a `*` does not stand for a leading dot.
const LIKE_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Which names in a directory are served.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Patterns(Arc<[Pattern]>);

impl Patterns {
    /// The patterns were checked when the configuration was read: one that is
    /// none would only match nothing.
    pub(super) fn new(patterns: &[String]) -> Self {
        let compiled = patterns.iter().filter_map(|text| Pattern::new(text).ok());
        Self(compiled.collect())
    }

    pub(super) fn cover(&self, name: &OsStr) -> bool {
        let Some(name) = name.to_str() else {
            return false;
        };
        let covers = |pattern: &Pattern| pattern.matches_with(name, LIKE_A_SHELL);
        self.0.iter().any(covers)
    }
}

pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The part of a pattern before its first wildcard, and the components after it.
pub(super) fn split(path: &Path) -> (PathBuf, Vec<String>) {
    let mut base = PathBuf::new();
    let mut rest = Vec::new();
    for component in path.components() {
        let text = component.as_os_str().to_string_lossy().into_owned();
        if rest.is_empty() && !is_pattern(&text) {
            base.push(component);
        } else if matches!(component, Component::Normal(_)) {
            rest.push(text);
        }
    }
    (base, rest)
}
