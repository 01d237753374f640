//! The D-Bus objects of the prombus service: the method that serves metrics, and faulty ones.
//!
//! Guarantees: the names below, the introspection data (which zbus generates from these signatures)
//! and `deploy/dbus/com.github.lucab.Prombus.conf` agree; tests compare them. The service owns the
//! connection and the thread.

use crate::lock;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zbus::fdo;

/// The reply of `PromMetrics`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reply {
    /// A new exposition of the service's metrics.
    #[default]
    Metrics,
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes after a delay.
    Late(Duration, Vec<u8>),
    /// The D-Bus error `org.freedesktop.DBus.Error.Failed` with this text.
    Error(String),
    /// Nothing, ever.
    Never,
}

/// State that the objects and the handle of the service share.
pub(crate) struct Shared {
    pub(crate) source: Box<dyn Fn() -> Vec<u8> + Send + Sync>,
    pub(crate) state: Mutex<State>,
}

/// The mutable part of [`Shared`].
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) reply: Reply,
    pub(crate) large: usize,
    pub(crate) calls: u64,
    pub(crate) last: Option<Vec<u8>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("calls", &lock(&self.state).calls)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Records the bytes that are about to be served.
    fn serve(&self, bytes: Vec<u8>) -> Vec<u8> {
        lock(&self.state).last = Some(bytes.clone());
        bytes
    }
}

/// The interface of the correct method.
pub(crate) struct Observable(pub(crate) Arc<Shared>);

#[zbus::interface(name = "com.github.lucab.Prombus.Observable")]
impl Observable {
    /// The metrics of the service as the bytes of a Prometheus text exposition.
    async fn prom_metrics(&self) -> fdo::Result<Vec<u8>> {
        let reply = {
            let mut state = lock(&self.0.state);
            state.calls += 1;
            state.reply.clone()
        };
        match reply {
            Reply::Metrics => Ok(self.0.serve((self.0.source)())),
            Reply::Bytes(bytes) => Ok(self.0.serve(bytes)),
            Reply::Late(delay, bytes) => {
                tokio::time::sleep(delay).await;
                Ok(self.0.serve(bytes))
            }
            Reply::Error(text) => Err(fdo::Error::Failed(text)),
            Reply::Never => pending().await,
        }
    }
}

/// The interface of the methods that reply incorrectly, each in its own way; only for tests.
pub(crate) struct Faults(pub(crate) Arc<Shared>);

#[zbus::interface(name = "com.github.lucab.Prombus.Faults")]
impl Faults {
    /// Never replies.
    async fn never(&self) -> Vec<u8> {
        pending().await
    }

    /// Replies with the D-Bus error `org.freedesktop.DBus.Error.Failed`.
    async fn error(&self) -> fdo::Result<Vec<u8>> {
        Err(fdo::Error::Failed("asked to fail".to_owned()))
    }

    /// The correct text with the wrong type: `s`.
    async fn text(&self) -> fdo::Result<String> {
        let text = self.0.serve((self.0.source)());
        String::from_utf8(text).map_err(|error| fdo::Error::Failed(error.to_string()))
    }

    /// An array of structures of one byte each: `a(y)`, which resembles `ay`.
    async fn structs(&self) -> Vec<(u8,)> {
        let text = self.0.serve((self.0.source)());
        text.into_iter().map(|byte| (byte,)).collect()
    }

    /// A number: `u`.
    async fn number(&self) -> u32 {
        42
    }

    /// An empty array of bytes.
    async fn empty(&self) -> Vec<u8> {
        self.0.serve(Vec::new())
    }

    /// An array of as many bytes as were set: newlines, which are a valid exposition.
    async fn large(&self) -> Vec<u8> {
        let size = lock(&self.0.state).large;
        self.0.serve(vec![b'\n'; size])
    }
}
