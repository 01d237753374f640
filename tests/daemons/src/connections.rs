//! Counts, tracks and ends the connections of a scripted daemon.
//!
//! Guarantees: a connection that is counted as accepted is also counted as open until its response
//! ends; hanging up ends every wait on a connection. This module closes no descriptor: the response
//! holds the last reference and closes it.

use crate::lock;
use std::collections::HashMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Shared by the handle, the accepting thread and the responses.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    accepted: AtomicU64,
    open: Mutex<HashMap<u64, Arc<UnixStream>>>,
}

impl Connections {
    /// The number of connections that were accepted or reset.
    pub(crate) fn accepted(&self) -> u64 {
        // Under the lock, so that no connection is between being accepted and being entered.
        let _open = lock(&self.open);
        self.accepted.load(Ordering::SeqCst)
    }

    /// The number of open connections.
    pub(crate) fn open(&self) -> usize {
        lock(&self.open).len()
    }

    /// Counts a connection that is reset and never open.
    pub(crate) fn count(&self) {
        self.accepted.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts and keeps a connection; returns its number.
    pub(crate) fn admit(&self, stream: &Arc<UnixStream>) -> u64 {
        let mut open = lock(&self.open);
        let number = self.accepted.fetch_add(1, Ordering::SeqCst);
        open.insert(number, Arc::clone(stream));
        number
    }

    /// Removes a connection whose response has ended.
    pub(crate) fn dismiss(&self, number: u64) {
        lock(&self.open).remove(&number);
    }

    /// Shuts down all open connections, in both directions.
    pub(crate) fn hang_up(&self) {
        for stream in lock(&self.open).values() {
            // Fails only if the client has already disconnected.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
