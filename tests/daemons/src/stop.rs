//! The signals that stop the daemons: SIGTERM (systemd) and SIGINT (a keyboard).
//!
//! Guarantees: after [`StopSignal::new`] neither signal kills the process; a signal that is sent
//! before [`StopSignal::received`] is awaited is not lost. No other signal is handled. Requires a
//! tokio runtime with its I/O driver enabled.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The installed handlers.
#[derive(Debug)]
pub struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    /// Installs the handlers.
    ///
    /// # Errors
    ///
    /// If the system rejects them.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Returns when the process is asked to stop. May be dropped and awaited again.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
