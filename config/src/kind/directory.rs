//! Kind `directory`: a selector that is written as the bare path of a directory.
//!
//! It has no table, and therefore no keys: all its limits are those of `[bridge.defaults]`.

use crate::value::FromValue;
use crate::value::path::check_socket_path;
use config::Value;
use std::path::PathBuf;

/// The name of the socket in the directory.
const SOCKET_NAME: &str = "metrics.promsock";

/// The settings of a selector that is written as a bare directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectorySource {
    /// The directory.
    pub path: PathBuf,
    /// The socket in it that takes precedence over files.
    pub socket: PathBuf,
}

impl DirectorySource {
    /// The path, as which the selector is written.
    pub(crate) fn written(&self) -> &PathBuf {
        // The socket follows from the directory.
        let Self { path, socket: _ } = self;
        path
    }
}

impl FromValue for DirectorySource {
    const TYPE: &'static str = "path";
    const EXPECTED: &'static str =
        "a table with a `kind`, or the absolute path of a directory, of at most 90 bytes";

    fn from_value(value: &Value) -> Result<Self, String> {
        let path = PathBuf::from_value(value)?;
        let socket = path.join(SOCKET_NAME);
        check_socket_path(&socket).map(|()| Self { path, socket })
    }
}
