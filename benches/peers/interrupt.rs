//! Turns Ctrl-C into an error of the next pause.
//!
//! After SIGINT or SIGTERM every pause ends immediately with an error, so that all running
//! processes are dropped, and thereby killed, on the way out.

use crate::Outcome;
use local_exporter_daemons::stop::StopSignal;
use std::convert::Infallible;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// The run was interrupted.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("interrupted; everything was stopped")
    }
}

impl std::error::Error for Interrupted {}

/// The handlers of both signals.
#[derive(Debug)]
pub(crate) struct Interrupt {
    /// Nothing is ever sent: the end of its sender is the signal.
    stopped: Receiver<Infallible>,
}

impl Interrupt {
    /// Installs the handlers: neither signal kills the process afterwards.
    pub(crate) fn install() -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut stop = {
            let _inside = runtime.enter();
            StopSignal::new()?
        };
        let (sender, stopped) = channel();
        std::thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(move || {
                runtime.block_on(stop.received());
                drop(sender);
            })?;
        Ok(Self { stopped })
    }

    /// Pauses for a while.
    pub(crate) fn pause(&self, how_long: Duration) -> Result<(), Interrupted> {
        match self.stopped.recv_timeout(how_long) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(Interrupted),
            Ok(never) => match never {},
        }
    }
}
