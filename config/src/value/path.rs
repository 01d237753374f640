//! Paths, and patterns for paths and names of files.

use super::{FromValue, describe};
use config::{Value, ValueKind};
use glob::Pattern;
use std::path::{Path, PathBuf};

/// The length of the longest path of a unix socket in bytes: `sun_path` less its NUL, unix(7).
pub(crate) const LONGEST_SOCKET_PATH: usize = 107;

/// A pattern for the names of files in a directory, with `*`, `?` and `[…]` as in a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamePattern(pub(crate) String);

/// The path of a file or a directory, or a pattern for such paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern(pub(crate) PathBuf);

/// The path of a socket, short enough to connect to.
#[derive(Debug)]
pub(crate) struct SocketPath(pub(crate) PathBuf);

impl FromValue for PathBuf {
    const TYPE: &'static str = "path";
    const EXPECTED: &'static str = "an absolute path";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            // A service has no meaningful working directory, so a relative path has no meaning.
            ValueKind::String(text) if text.starts_with('/') && !text.contains('\0') => {
                Ok(Self::from(text))
            }
            _ => Err(describe(value)),
        }
    }

    fn expected(value: &Value) -> String {
        expected(Self::EXPECTED, value)
    }
}

impl FromValue for NamePattern {
    const TYPE: &'static str = "pattern";
    const EXPECTED: &'static str = "a pattern for file names such as \"*.prom\", without a slash";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(text)
                if !text.is_empty() && !text.contains('/') && Pattern::new(text).is_ok() =>
            {
                Ok(Self(text.clone()))
            }
            _ => Err(describe(value)),
        }
    }
}

impl FromValue for PathPattern {
    const TYPE: &'static str = "path or pattern";
    const EXPECTED: &'static str = "an absolute path, which may contain `*`, `?` and `[…]`";

    fn from_value(value: &Value) -> Result<Self, String> {
        let path = PathBuf::from_value(value)?;
        match path.to_str().map(Pattern::new) {
            Some(Ok(_)) => Ok(Self(path)),
            _ => Err(describe(value)),
        }
    }

    fn expected(value: &Value) -> String {
        expected(Self::EXPECTED, value)
    }
}

impl FromValue for SocketPath {
    const TYPE: &'static str = "path";
    const EXPECTED: &'static str = "the absolute path of a socket, of at most 107 bytes (unix(7))";

    fn from_value(value: &Value) -> Result<Self, String> {
        let path = PathBuf::from_value(value)?;
        check_socket_path(&path).map(|()| Self(path))
    }

    fn expected(value: &Value) -> String {
        expected(Self::EXPECTED, value)
    }
}

/// What is expected instead of a path that is not absolute, with the reason.
fn expected(expected: &str, value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) if text.starts_with('~') => {
            format!("{expected}; `~` is not expanded")
        }
        ValueKind::String(text) if !text.starts_with('/') && !text.is_empty() => {
            format!("{expected}; a relative path has no meaning for a service")
        }
        _ => expected.to_owned(),
    }
}

/// Refuses the path of a socket that is too long for unix(7).
pub(crate) fn check_socket_path(path: &Path) -> Result<(), String> {
    match path.as_os_str().len() {
        0..=LONGEST_SOCKET_PATH => Ok(()),
        length => Err(format!("a path of {length} bytes")),
    }
}
