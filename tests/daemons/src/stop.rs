//! How the dummies' programs are told to stop: SIGTERM (systemd) or SIGINT (a keyboard).
//!
//! Promises that from [`StopSignal::new`] on neither signal kills the process, and that one sent
//! before [`StopSignal::received`] is awaited is not lost. Handles no other signal. Must live on a
//! tokio runtime with its I/O driver on.

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
    /// When the system refuses them.
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
