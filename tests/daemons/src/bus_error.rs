//! The errors of a private bus, with messages that say what to do.
//!
//! A missing `dbus-daemon` is distinguished from one that rejects its configuration, and the
//! message contains what the process printed.

use std::io;

/// Why a bus could not be started or controlled.
#[derive(Debug)]
pub enum BusError {
    /// The program `dbus-daemon` is not installed.
    NotInstalled,
    /// `dbus-daemon` ended without listening; its output.
    Refused(String),
    /// The bus was killed and not restarted.
    NotRunning,
    /// A file or process operation failed.
    Io(io::Error),
}

impl std::fmt::Display for BusError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotInstalled => write!(
                formatter,
                "there is no dbus-daemon: install the Debian package dbus-daemon"
            ),
            Self::Refused(message) => write!(formatter, "dbus-daemon did not start: {message}"),
            Self::NotRunning => write!(formatter, "the bus is not running"),
            Self::Io(error) => write!(formatter, "cannot run a private bus: {error}"),
        }
    }
}

impl std::error::Error for BusError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::NotInstalled | Self::Refused(_) | Self::NotRunning => None,
        }
    }
}

impl From<io::Error> for BusError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rustix::io::Errno> for BusError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}
