//! The error of connecting to a unix socket, with its cause according to the path.
//!
//! Looks up names only. Blocks for as long as a file system hangs, so it runs on
//! the blocking pool.

use super::address::Address;
use crate::host::denied::denial_hint;
use crate::host::mounts;
use rustix::io::Errno;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// A failed connection.
#[derive(Debug)]
pub(in crate::source) struct ConnectError {
    pub(in crate::source) error: io::Error,
    /// The kind of object at the path, if it exists and is not a stream socket; follows "is" in a
    /// message.
    pub(in crate::source) instead: Option<&'static str>,
    /// The cause that was found on the path, such as a missing permission or a stale mount, as the
    /// end of an error message; empty if none was found.
    pub(in crate::source) cause: String,
}

impl ConnectError {
    /// Searches the path of an address for the cause of an error. Blocks.
    pub(super) fn diagnose(address: &Address, error: io::Error) -> Self {
        let Address::Path(path) = address else {
            return error.into();
        };
        let instead = instead(path, &error);
        let mut cause = match Errno::from_io_error(&error) {
            Some(Errno::ACCESS) if instead.is_none() => denial_hint(path),
            _ => String::new(),
        };
        cause.push_str(&mounts::stale_hint(path));
        Self {
            error,
            instead,
            cause,
        }
    }
}

/// The kind of object at a path that is not a stream socket, if that explains the error.
fn instead(path: &Path, error: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(error) {
        Some(Errno::PROTOTYPE) => Some("a socket of another type, expected a stream socket"),
        // ECONNREFUSED also means that the path is not a socket, for users with write permission.
        Some(Errno::CONNREFUSED | Errno::ACCESS) => {
            let found = std::fs::metadata(path).ok()?;
            (!found.file_type().is_socket()).then_some("not a socket")
        }
        _ => None,
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self {
            error,
            instead: None,
            cause: String::new(),
        }
    }
}
