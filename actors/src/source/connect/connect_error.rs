//! Why there is no connection to a socket, as far as the way there tells.
//!
//! Looks at names alone; blocks for as long as a file system hangs, so this is for the blocking pool.

use super::Address;
use crate::host::denied::denied;
use crate::host::mounts;
use rustix::io::Errno;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Why there is no connection.
#[derive(Debug)]
pub(in crate::source) struct ConnectError {
    pub(in crate::source) error: io::Error,
    /// What stands there instead of a stream socket, where that is known.
    pub(in crate::source) instead: Option<&'static str>,
    /// What is wrong on the way there, as the end of a sentence: a permission that is lacking, a
    /// mount that is dead. Empty where nothing is known to be.
    pub(in crate::source) found: String,
}

impl ConnectError {
    /// Looks at the way to where connecting failed.
    pub(super) fn at(address: &Address, error: io::Error) -> Self {
        let Address::Path(path) = address else {
            return error.into();
        };
        let instead = instead(path, &error);
        let mut found = match Errno::from_io_error(&error) {
            Some(Errno::ACCESS) if instead.is_none() => denied(path),
            _ => String::new(),
        };
        found.push_str(&mounts::stale_hint(path));
        Self {
            instead,
            found,
            error,
        }
    }
}

/// What stands at a path that cannot be connected to for that.
fn instead(path: &Path, error: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(error) {
        Some(Errno::PROTOTYPE) => Some("a socket of another type, expected a stream socket"),
        // The kernel says "refused" of a path that is no socket at all, to those who may write there.
        Some(Errno::CONNREFUSED | Errno::ACCESS) => {
            let found = std::fs::metadata(path).ok()?;
            (!found.file_type().is_socket()).then_some("no socket")
        }
        _ => None,
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self {
            error,
            instead: None,
            found: String::new(),
        }
    }
}
