//! Commands to the thread that owns the watcher, and its replies.

use super::pending_writes::PendingWrites;
use super::target::{Interest, Target};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::oneshot;

/// A command to the watcher thread.
#[derive(Debug)]
pub(super) enum Command {
    /// Watch a directory. The reply is a flag that is cleared when the watch ends.
    Watch {
        target: Target,
        subscriber: Subscriber,
        reply: oneshot::Sender<Result<Arc<AtomicBool>, Unwatched>>,
    },
    /// Remove the subscriber with this number.
    Forget { number: u64 },
    #[cfg(test)]
    Panic,
}

/// A source that receives the events of a directory.
#[derive(Debug)]
pub(super) struct Subscriber {
    /// Unique among all subscribers.
    pub(super) number: u64,
    pub(super) interest: Interest,
    pub(super) pending_writes: Arc<PendingWrites>,
}

/// The reason that a directory is not watched.
#[derive(Debug)]
pub(in crate::source) enum Unwatched {
    /// It was removed or replaced after its identity was read.
    Gone,
    /// There are no events, for this reason.
    NoEvents(String),
    /// The thread did not reply in time.
    Late,
}
