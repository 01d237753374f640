//! The number of connections to one bus, and the connections that sources share.
//!
//! A bus limits the connections of a user (`max_connections_per_user` of dbus-daemon, 256 on a system bus) and the
//! unanswered calls of a connection (`max_replies_per_connection`, 128). So many sources share a few connections, and
//! one whose call was not answered gets its own. Connections belong to the event loop of the actor thread that opened
//! them, so threads share none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use zbus::Connection;

/// The largest number of sources of one bus that have their own connections all the time, and of own connections.
pub(super) const OWN: usize = 32;
/// The largest number of connections to one bus.
const ALL: usize = 64;
/// The connections that the sources of one actor thread share: 32 in total for four threads.
const SHARED_BY_THREAD: usize = 8;
/// The default limit of dbus-daemon for the unanswered calls of a connection.
const MAX_UNANSWERED: usize = 128;
/// The number of sources of one bus above which their calls can exceed that limit, on the shared connections of the
/// least number of actor threads, 2.
pub(super) const WITHIN_LIMITS: usize = 2 * SHARED_BY_THREAD * MAX_UNANSWERED;

/// The connections that may be open to one bus.
#[derive(Debug)]
pub(super) struct ConnectionPermits {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
    largest_reply: AtomicUsize,
}

/// A connection, with the permits that it occupies.
#[derive(Debug)]
pub(super) struct PermittedConnection {
    pub(super) connection: Connection,
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Default for ConnectionPermits {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ALL)),
            own: Arc::new(Semaphore::new(OWN)),
            largest_reply: AtomicUsize::new(0),
        }
    }
}

impl ConnectionPermits {
    /// Notes the largest reply that one source accepts, in bytes.
    pub(super) fn accept(&self, max_bytes: usize) {
        self.largest_reply.fetch_max(max_bytes, Ordering::Relaxed);
    }

    /// The largest reply that any source accepts, in bytes.
    pub(super) fn largest_reply(&self) -> usize {
        self.largest_reply.load(Ordering::Relaxed)
    }

    /// Waits for the permit of a shared connection.
    pub(super) async fn shared(&self) -> Vec<OwnedSemaphorePermit> {
        // The semaphores are never closed.
        let permit = Arc::clone(&self.all).acquire_owned().await;
        permit.into_iter().collect()
    }

    /// Waits for the permit of an own connection.
    pub(super) async fn own(&self) -> Vec<OwnedSemaphorePermit> {
        let own = Arc::clone(&self.own).acquire_owned().await;
        own.into_iter().chain(self.shared().await).collect()
    }
}

impl PermittedConnection {
    pub(super) fn new(connection: Connection, permits: Vec<OwnedSemaphorePermit>) -> Arc<Self> {
        Arc::new(Self {
            connection,
            _permits: permits,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.connection.is_closed()
    }
}

/// The connections to one bus that the sources of a thread share.
#[derive(Debug, Default)]
pub(super) struct SharedConnections {
    slots: [Slot; SHARED_BY_THREAD],
    next: AtomicUsize,
}

/// One shared connection, locked while it is opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot(pub(super) Arc<Mutex<Option<Arc<PermittedConnection>>>>);

impl SharedConnections {
    /// The slot for one more source, each in turn.
    pub(super) fn slot(&self) -> Slot {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let slot = self.slots.get(next % SHARED_BY_THREAD);
        slot.cloned().unwrap_or_default()
    }
}

impl Slot {
    /// Stops sharing a connection. Calls that use it may end.
    pub(super) fn retire(&self, permitted: &Arc<PermittedConnection>) {
        // While the slot is locked, it is filled with another connection.
        if let Ok(mut shared) = self.0.try_lock() {
            shared.take_if(|shared| Arc::ptr_eq(shared, permitted));
        }
    }
}
