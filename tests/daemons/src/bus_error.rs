//! What can go wrong with a private bus, in words that say what to do.
//!
//! Promises that a missing `dbus-daemon` is told apart from one that refuses its configuration, and
//! that what the process said itself is part of the message. Starts and stops nothing.

use std::io;

/// Why a bus could not be started or controlled.
#[derive(Debug)]
pub enum BusError {
    /// There is no program `dbus-daemon`.
    NotInstalled,
    /// `dbus-daemon` ended without listening; this is what it said.
    Refused(String),
    /// It has been killed and not restarted.
    NotRunning,
    /// Files or processes.
    Io(io::Error),
}

impl std::fmt::Display for BusError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotInstalled => write!(
                formatter,
                "there is no dbus-daemon: install the Debian package dbus-daemon"
            ),
            Self::Refused(said) => write!(formatter, "dbus-daemon did not start: {said}"),
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
