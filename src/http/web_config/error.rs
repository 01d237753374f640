//! Why a web configuration cannot be used, and how large its files may be.

use local_exporter_config::shown;
use std::fmt;
use std::path::{Path, PathBuf};

/// Largest size, in bytes, of the web configuration and of each file that it names.
pub(super) const LARGEST_FILE: u64 = 1 << 20;

/// Why a web configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebConfigError {
    /// Path of the web configuration.
    pub(crate) file: PathBuf,
    /// The first error found in it, or in a file that it names.
    pub(crate) message: String,
}

impl WebConfigError {
    pub(super) fn new(file: &Path, message: String) -> Self {
        Self {
            file: file.to_owned(),
            message,
        }
    }
}

impl fmt::Display for WebConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", shown(&self.file), self.message)
    }
}

impl std::error::Error for WebConfigError {}
