//! Ctrl-C, noticed at the next pause.
//!
//! Promises that after SIGINT or SIGTERM every pause ends at once with an error, so that all that
//! is running is dropped, and thereby killed, on the way out.

use crate::Outcome;
use local_exporter_daemons::stop::StopSignal;
use std::convert::Infallible;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Somebody wants this to end.
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
    /// Nothing is ever sent; that its sender is gone is the news.
    stopped: Receiver<Infallible>,
}

impl Interrupt {
    /// From here on neither signal kills the process.
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

    /// Does nothing for a while.
    pub(crate) fn pause(&self, how_long: Duration) -> Result<(), Interrupted> {
        match self.stopped.recv_timeout(how_long) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(Interrupted),
            Ok(never) => match never {},
        }
    }
}
