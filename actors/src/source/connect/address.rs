//! The address of a unix socket, unix(7).

use crate::host::filesystem;
use local_exporter_config::shown;
use std::fmt;
use std::path::PathBuf;

/// The address of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::source) enum Address {
    /// A path in the file system.
    Path(PathBuf),
    /// A name in the abstract namespace, without its leading null byte.
    Abstract(Vec<u8>),
}

impl Address {
    /// Whether looking up the address never waits for another host or process. Blocks if it does.
    pub(super) fn is_non_blocking(&self) -> bool {
        match self {
            Self::Abstract(_) => true,
            Self::Path(path) => filesystem::is_non_blocking(path),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(out, "{}", shown(path)),
            Self::Abstract(name) => write!(out, "@{}", name.escape_ascii()),
        }
    }
}
