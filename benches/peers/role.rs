//! The helper processes of a measurement, which are this program in another role.
//!
//! The daemons are separate processes so that their processor time is not counted as a server's,
//! and so are the bare pull loops. Only the measuring process starts them.

mod pull;
mod serve;

use crate::Outcome;
use clap::Subcommand;
use std::path::PathBuf;

/// The role.
#[derive(Debug, Clone, Subcommand)]
#[command(hide = true)]
pub(crate) enum Role {
    /// Serve an exposition on sockets, until standard input ends.
    #[command(hide = true)]
    ServeUds(serve::Uds),
    /// Serve an exposition on a bus, until standard input ends.
    #[command(hide = true)]
    ServeDbus(serve::Dbus),
    /// Read a socket in a loop, and print the number of pulls and their cost.
    #[command(hide = true)]
    PullUds { socket: PathBuf, seconds: u64 },
    /// Call the method on a bus in a loop, and print the number of calls and their cost.
    #[command(hide = true)]
    PullDbus { address: String, seconds: u64 },
}

impl Role {
    pub(crate) fn play(self) -> Outcome<()> {
        match self {
            Self::ServeUds(daemon) => daemon.serve(),
            Self::ServeDbus(daemon) => daemon.serve(),
            Self::PullUds { socket, seconds } => pull::uds(&socket, seconds),
            Self::PullDbus { address, seconds } => pull::dbus(&address, seconds),
        }
    }
}
