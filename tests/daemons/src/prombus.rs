//! A D-Bus service whose method `PromMetrics` returns an exposition as bytes (`ay`).
//!
//! Guarantees: the name is owned when `start` returns; [`Prombus::last_served`] is the reply that a
//! client just got; dropping the handle releases the name and ends the thread. It does not
//! reconnect: a test that restarts the bus starts a new service.

pub use crate::observable::Reply;
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
/// The path of its object.
pub const PATH: &str = "/com/github/lucab/Prombus";
/// The interface of the method below.
pub const INTERFACE: &str = "com.github.lucab.Prombus.Observable";
/// The method that returns the metrics as `ay`.
pub const METHOD: &str = "PromMetrics";
/// The interface, on the same object, of the methods that reply incorrectly: `Never`, `Error`,
/// `Text` (`s`), `Structs` (`a(y)`), `Number` (`u`), `Empty`, `Large`; served only on request.
pub const FAULTS: &str = "com.github.lucab.Prombus.Faults";

/// The path of the service's bus policy file in the source tree.
#[must_use]
pub fn policy_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/dbus/com.github.lucab.Prombus.conf")
}

/// A service on its own thread that offers all faults, for tests.
#[derive(Debug)]
pub struct Prombus {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Prombus {
    /// Starts the service on the bus at `address`; `PromMetrics` replies with what `source`
    /// returns.
    ///
    /// # Errors
    ///
    /// As [`Service::start`], and if no thread can be started.
    pub fn start(
        address: &str,
        source: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Result<Self, PrombusError> {
        Self::start_claiming(Claim::Alone, address, source)
    }

    /// As [`Prombus::start`], where other services may claim the name too.
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

    /// Changes the reply of `PromMetrics`, starting with the next call.
    pub fn set_reply(&self, reply: Reply) {
        lock(&self.shared.state).reply = reply;
    }

    /// Sets how many bytes the method `Large` returns (0 initially). Beyond `max_message_size` the
    /// bus closes the connection of the service.
    pub fn set_large(&self, bytes: usize) {
        lock(&self.shared.state).large = bytes;
    }

    /// The bytes of the latest reply that had any, of any method; `None` before the first.
    #[must_use]
    pub fn last_served(&self) -> Option<Vec<u8>> {
        lock(&self.shared.state).last.clone()
    }

    /// The number of calls of `PromMetrics` so far.
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
    // Calls that are never replied to are tasks of this runtime and end with it.
    runtime.shutdown_background();
}
