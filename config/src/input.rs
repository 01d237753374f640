//! A configuration text and the name of its file.

use crate::error::{ConfigError, ConfigErrors, Location};
use crate::line_index::LineIndex;
use crate::path_access::PathAccess;
use crate::read_file::read_file;
use crate::shown::shown;
use std::io;
use std::path::Path;
use std::string::FromUtf8Error;

/// The largest size of a file in bytes: 16 MiB, a hundred times the size of a file with two
/// thousand selectors.
const LARGEST: u64 = 16 << 20;

/// A configuration text and its name in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The name, usually the path of the file.
    pub name: String,
    /// The TOML text.
    pub text: String,
}

impl Input {
    /// Reads a file.
    ///
    /// # Errors
    /// One error that names the file and the cause. The [`io::ErrorKind`] is returned as well,
    /// so that the caller can distinguish a missing file.
    pub fn read(path: &Path) -> Result<Self, (io::ErrorKind, ConfigErrors)> {
        Self::of(path, read_file(path, LARGEST))
    }

    /// The text in the bytes of a file.
    fn of(path: &Path, bytes: io::Result<Vec<u8>>) -> Result<Self, (io::ErrorKind, ConfigErrors)> {
        let name = shown(path).to_string();
        match bytes.map(String::from_utf8) {
            Ok(Ok(text)) => Ok(Self { name, text }),
            Ok(Err(error)) => Err((io::ErrorKind::InvalidData, not_utf8(&name, &error))),
            Err(error) => Err((error.kind(), whole_file(&name, &error.to_string()))),
        }
    }

    /// [`Input::read`] with a deadline; `None` if the file is masked.
    pub(crate) fn read_unless(
        is_masked: fn(&Path) -> bool,
        path: &Path,
        access: &PathAccess,
    ) -> Result<Option<Self>, (io::ErrorKind, ConfigErrors)> {
        let owned = path.to_owned();
        let bytes = access.run(path, move || match is_masked(&owned) {
            true => Ok(None),
            false => read_file(&owned, LARGEST).map(Some),
        });
        match bytes.flatten() {
            Ok(None) => Ok(None),
            Ok(Some(bytes)) => Self::of(path, Ok(bytes)).map(Some),
            Err(error) => Self::of(path, Err(error)).map(Some),
        }
    }
}

/// The error at the first byte of a text that is not UTF-8.
fn not_utf8(name: &str, error: &FromUtf8Error) -> ConfigErrors {
    let bytes = error.as_bytes();
    let (before, after) = bytes.split_at(error.utf8_error().valid_up_to());
    let (line, column) = LineIndex::new(&String::from_utf8_lossy(before)).position(before.len());
    let byte = after.first().map_or(0, |byte| *byte);
    ConfigErrors(vec![ConfigError {
        location: Location::Text {
            file: name.to_owned(),
            line,
            column,
        },
        key: String::new(),
        found: format!("the byte 0x{byte:02x}, which is not UTF-8"),
        expected: "a text in UTF-8".to_owned(),
    }])
}

/// An error of a whole file or directory.
pub(crate) fn whole_file(name: &str, found: &str) -> ConfigErrors {
    ConfigErrors(vec![ConfigError {
        location: Location::File(name.to_owned()),
        key: String::new(),
        found: found.to_owned(),
        expected: String::new(),
    }])
}
