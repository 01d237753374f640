//! What this program does as a process of its own beside the measured ones.
//!
//! The daemons are separate so that their processor time is nobody else's, and the bare pull loops
//! so that theirs can be told from it. Both are started by the measuring process alone.

mod pull;
mod serve;

use crate::Outcome;
use clap::Subcommand;
use std::path::PathBuf;

/// The part to play.
#[derive(Debug, Clone, Subcommand)]
#[command(hide = true)]
pub(crate) enum Role {
    /// Serve an exposition on sockets, until standard input ends.
    #[command(hide = true)]
    ServeUds(serve::Uds),
    /// Serve an exposition on a bus, until standard input ends.
    #[command(hide = true)]
    ServeDbus(serve::Dbus),
    /// Read a socket in a loop, and print how often and at what cost.
    #[command(hide = true)]
    PullUds { socket: PathBuf, seconds: u64 },
    /// Call the method on a bus in a loop, and print how often and at what cost.
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
