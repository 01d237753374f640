//! The path of a unix socket to connect to.

use crate::value::FromValue;
use config::Value;
use std::path::{Path, PathBuf};

/// The length of the longest path of a unix socket in bytes: `sun_path` less its NUL, unix(7).
const LONGEST_SOCKET_PATH: usize = 107;

/// The path of a socket, short enough to be connected to.
#[derive(Debug)]
pub(crate) struct SocketPath(pub(crate) PathBuf);

impl FromValue for SocketPath {
    const TYPE: &'static str = "path";
    const EXPECTED: &'static str = "the absolute path of a socket, of at most 107 bytes (unix(7))";

    fn from_value(value: &Value) -> Result<Self, String> {
        let path = PathBuf::from_value(value)?;
        check_length(&path).map(|()| Self(path))
    }
}

/// Refuses the path of a socket that unix(7) cannot hold.
pub(crate) fn check_length(path: &Path) -> Result<(), String> {
    match path.as_os_str().len() {
        0..=LONGEST_SOCKET_PATH => Ok(()),
        length => Err(format!("a path of {length} bytes")),
    }
}
