//! The connections of a scripted daemon: how many there were, which are open, and their end.
//!
//! Promises that a connection seen as accepted is also seen as open until its answer is over, and
//! that hanging up wakes whatever waits on one. Closes no descriptor itself: the answer does, which
//! holds the last reference.

use crate::lock;
use std::collections::HashMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Shared by the handle, the accepting thread and the answers.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    accepted: AtomicU64,
    open: Mutex<HashMap<u64, Arc<UnixStream>>>,
}

impl Connections {
    /// How many were accepted or reset.
    pub(crate) fn accepted(&self) -> u64 {
        // Under the lock: not between an acceptance and its entry.
        let _open = lock(&self.open);
        self.accepted.load(Ordering::SeqCst)
    }

    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        lock(&self.open).len()
    }

    /// Counts one that is reset and never open.
    pub(crate) fn count(&self) {
        self.accepted.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts one and keeps it; returns its number.
    pub(crate) fn admit(&self, stream: &Arc<UnixStream>) -> u64 {
        let mut open = lock(&self.open);
        let number = self.accepted.fetch_add(1, Ordering::SeqCst);
        open.insert(number, Arc::clone(stream));
        number
    }

    /// Forgets one whose answer is over.
    pub(crate) fn dismiss(&self, number: u64) {
        lock(&self.open).remove(&number);
    }

    /// Ends all that are open, in both directions.
    pub(crate) fn hang_up(&self) {
        for stream in lock(&self.open).values() {
            // Fails only when the client has gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
