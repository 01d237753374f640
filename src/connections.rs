//! The connections of all clients: how many there are, and which of them gives way.
//!
//! Every connection has a [`Seat`]. When all are taken, the connection that has
//! been idle the longest is closed for the newcomer, so neither a flood nor
//! forgotten connections keep anybody out. It has had a moment by then in which
//! its request could come: where all idle ones are that young, the newcomer
//! waits. When none is idle, the newcomer gets one of a few seats in reserve, on
//! which the pages about the exporter are answered and scrapes are refused;
//! these give way to each other likewise. With all of those at work too it is
//! closed unheard. Nothing here knows HTTP; how long a connection may take is the
//! [`stream`]'s affair.

mod head;
mod seat;
mod seats;
pub mod stream;

pub use head::{LARGEST_HEAD, Turns};
pub use seat::{Class, Occupied, Seat};

use crate::metrics::{ConnectionMetrics, Limit};
use arc_swap::ArcSwap;
use local_exporter_config::ClientLimits;
use seats::{Idle, Room, Seats};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::{Duration, Instant, timeout};

/// Seats beyond `max_connections`, so that the exporter can be asked what is
/// going on while its connections are all at work.
pub const RESERVE: usize = 32;

/// How long each connection keeps its seat though it is idle, in milliseconds:
/// what a client may take, on a busy host, from connecting to its request.
const MOMENT: u64 = 100;
/// How long a newcomer waits for those moments to pass. Few wait at once: the
/// others wait in the kernel's queue.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// All connections.
#[derive(Debug)]
pub struct Connections {
    limits: ArcSwap<ClientLimits>,
    /// Laid out for the server as it starts, so it stays.
    max_connections: usize,
    metrics: ConnectionMetrics,
    began: Instant,
    seats: Mutex<Seats>,
    /// Newcomers come one after the other.
    turn: tokio::sync::Mutex<()>,
    /// Tells the one whose turn it is that somebody left.
    left: Notify,
    /// Set when connections are to end as soon as they are idle.
    stopping: AtomicBool,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new(limits: ClientLimits, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self {
            max_connections: limits.max_connections,
            limits: ArcSwap::from_pointee(limits),
            metrics,
            began: Instant::now(),
            seats: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            left: Notify::new(),
            stopping: AtomicBool::new(false),
        })
    }

    /// The most there can be, those in reserve included.
    #[must_use]
    pub fn most(&self) -> usize {
        self.max_connections + RESERVE
    }

    /// What clients may take now.
    #[must_use]
    pub fn limits(&self) -> ClientLimits {
        ClientLimits {
            max_connections: self.max_connections,
            ..**self.limits.load()
        }
    }

    /// Other limits from now on, but for `max_connections`.
    pub fn set_limits(&self, limits: ClientLimits) {
        self.limits.store(Arc::new(limits));
    }

    /// A failed lock only means that a panic passed by; the seats are whole all the same.
    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        let millis = self.began.elapsed().as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX)
    }

    /// A seat for a new connection, if there is one. Waits for the moment of another to
    /// pass, and once it has waited for long enough takes its seat without.
    pub async fn admit(self: &Arc<Self>) -> Option<Arc<Seat>> {
        let patience = Instant::now() + LONGEST_WAIT;
        let _turn = self.turn.lock().await;
        if self.is_full() {
            self.reached(Limit::MaxConnections);
        }
        loop {
            let may_wait = Instant::now() < patience;
            match self.find_room(if may_wait { MOMENT } else { 0 }) {
                Room::Made(seat) => return Some(seat),
                // Or until somebody leaves.
                Room::In(wait) => drop(timeout(wait, self.left.notified()).await),
                Room::None => break,
            }
        }
        self.reached(Limit::Reserve);
        None
    }

    fn is_full(&self) -> bool {
        self.seats().count() >= self.max_connections
    }

    /// A seat for a new connection, if there is one now that each has had so long a moment.
    fn find_room(self: &Arc<Self>, moment: u64) -> Room<Arc<Seat>> {
        let mut seats = self.seats();
        let now = self.now();
        let idle = Idle { now, moment };
        let class = match seats.make_room(self.max_connections, self.most(), idle) {
            Room::Made(class) => class,
            Room::In(wait) => return Room::In(wait),
            Room::None => return Room::None,
        };
        let seat = seats.take(
            |number| Seat::new(number, class, Arc::clone(self), now),
            now,
        );
        self.metrics.open(seats.count());
        Room::Made(seat)
    }

    /// From now on multiplexed connections end once they are idle. The others
    /// end with the answer they are at, which is up to whoever writes it.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        for seat in self.seats().all() {
            seat.wake();
        }
    }

    fn reached(&self, limit: Limit) {
        self.metrics.reached(limit);
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The connection is gone.
    fn leave(&self, seat: &Seat) {
        let mut seats = self.seats();
        seats.leave(seat);
        self.metrics.open(seats.count());
        self.left.notify_one();
    }
}

#[cfg(test)]
mod tests;
