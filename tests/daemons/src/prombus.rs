//! A D-Bus service whose method `PromMetrics` returns an exposition as bytes (`ay`).
//!
//! Promises that the name is owned when a start returns, that [`Prombus::last_served`] is the
//! reply a client just got, and that dropping the handle releases the name and ends its thread. Does
//! not come back by itself when its bus goes away: a test that restarts the bus starts it anew.

pub use crate::observable::Answer;
pub use crate::service::{Claim, On, PrombusError, Service};

use crate::lock;
use crate::observable::Shared;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

/// The bus name of the service.
pub const NAME: &str = "com.github.lucab.Prombus";
/// Its object.
pub const PATH: &str = "/com/github/lucab/Prombus";
/// The interface of the method below.
pub const INTERFACE: &str = "com.github.lucab.Prombus.Observable";
/// The method that returns the metrics as `ay`.
pub const METHOD: &str = "PromMetrics";
/// The interface, on the same object, of the methods that answer wrongly: `Never`, `Error`, `Text`
/// (`s`), `Structs` (`a(y)`), `Number` (`u`), `Empty`, `Large`; served only on request.
pub const FAULTS: &str = "com.github.lucab.Prombus.Faults";

/// Where the bus policy file of the service lies in the source tree.
#[must_use]
pub fn policy_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/dbus/com.github.lucab.Prombus.conf")
}

/// A service on a thread of its own, with all faults on offer, for tests.
#[derive(Debug)]
pub struct Prombus {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Prombus {
    /// Starts the service on the bus at `address`; `PromMetrics` answers what `source` returns.
    ///
    /// # Errors
    ///
    /// As [`Service::start`], and when no thread can be had.
    pub fn start(
        address: &str,
        source: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Result<Self, PrombusError> {
        Self::start_claiming(Claim::Alone, address, source)
    }

    /// As [`Prombus::start`], where others may claim the name too.
    ///
    /// # Errors
    ///
    /// As [`Prombus::start`].
    pub fn start_claiming(
        claim: Claim,
        address: &str,
        source: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Result<Self, PrombusError> {
        let on = On::Address(address.to_owned());
        let (stop, stopped) = oneshot::channel();
        let (report, started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("prombus".to_owned())
            .spawn(move || run(&on, claim, source, &report, stopped))
            .map_err(PrombusError::Io)?;
        let gone = |_| PrombusError::Io(io::Error::other("the thread ended early"));
        let shared = started.recv().map_err(gone)??;
        Ok(Self {
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Answers `PromMetrics` differently from the next call on.
    pub fn set_answer(&self, answer: Answer) {
        lock(&self.shared.state).answer = answer;
    }

    /// Sets how many bytes the method `Large` returns (at first 0). Beyond `max_message_size` the
    /// bus closes the connection of the service.
    pub fn set_large(&self, bytes: usize) {
        lock(&self.shared.state).large = bytes;
    }

    /// The bytes of the latest reply of any method that had some; none before the first.
    #[must_use]
    pub fn last_served(&self) -> Option<Vec<u8>> {
        lock(&self.shared.state).last.clone()
    }

    /// How many calls of `PromMetrics` have come in.
    #[must_use]
    pub fn calls(&self) -> u64 {
        lock(&self.shared.state).calls
    }
}

impl Drop for Prombus {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has already failed the calls of the test.
            let _ = thread.join();
        }
    }
}

fn run(
    on: &On,
    claim: Claim,
    source: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    report: &mpsc::Sender<Result<Arc<Shared>, PrombusError>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = report.send(Err(PrombusError::Io(error)));
            return;
        }
    };
    runtime.block_on(async {
        match Service::start_claiming(on, claim, true, source).await {
            Err(error) => drop(report.send(Err(error))),
            Ok(service) => {
                let _ = report.send(Ok(Arc::clone(&service.shared)));
                // Ends when the handle drops its sender; nothing is ever sent.
                let _ = stopped.await;
                service.stop().await;
            }
        }
    });
    // Calls that are never answered are tasks of this runtime and end with it.
    runtime.shutdown_background();
}
