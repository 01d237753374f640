//! A configuration text and the name of its file.

use crate::error::{ConfigError, ConfigErrors, Location};
use crate::path_access::PathAccess;
use crate::read_file::read_file;
use crate::shown::shown;
use std::io;
use std::path::Path;

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
        let text = bytes.and_then(|bytes| {
            let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            String::from_utf8(bytes).map_err(invalid)
        });
        match text {
            Ok(text) => Ok(Self { name, text }),
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

/// An error of a whole file or directory.
pub(crate) fn whole_file(name: &str, found: &str) -> ConfigErrors {
    ConfigErrors(vec![ConfigError {
        location: Location::File(name.to_owned()),
        key: String::new(),
        found: found.to_owned(),
        expected: String::new(),
    }])
}
