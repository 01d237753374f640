//! File name patterns: the names in a directory that are served, and the wildcards of a path.
//!
//! Pure: accesses no file system.

use glob::{MatchOptions, Pattern};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Matches names like a shell: a wildcard does not match a leading dot.
const LIKE_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Patterns of which a name has to match one. Clones are cheap.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source) struct Patterns(Arc<[Pattern]>);

impl Patterns {
    /// Compiles patterns. The configuration has checked them; an invalid one would match nothing.
    pub(in crate::source) fn new(patterns: &[String]) -> Self {
        let compiled = patterns.iter().filter_map(|text| Pattern::new(text).ok());
        Self(compiled.collect())
    }

    /// The address of the compiled patterns, which clones share.
    pub(in crate::source) fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// Whether a name matches one of the patterns. A name that is not valid UTF-8 matches none.
    pub(in crate::source) fn cover(&self, name: &OsStr) -> bool {
        let Some(name) = name.to_str() else {
            return false;
        };
        let covers = |pattern: &Pattern| pattern.matches_with(name, LIKE_A_SHELL);
        self.0.iter().any(covers)
    }
}

/// Whether a path, or one component of it, has a wildcard.
pub(in crate::source) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The part of a path before its first wildcard, and the components after it.
pub(in crate::source) fn split(path: &Path) -> (PathBuf, Vec<String>) {
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
