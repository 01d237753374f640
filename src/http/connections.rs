//! The connections of all clients: how many there are, and which of them gives way.
//!
//! Every connection has a [`Seat`]. When all are taken, the connection that has
//! been idle the longest is closed for the newcomer, so neither a flood nor
//! forgotten connections keep anybody out. When none is idle, the newcomer gets
//! one of a few seats in reserve, on which the pages about the exporter are
//! answered and scrapes are refused; these give way to each other likewise. With
//! all of those at work too it is closed unheard. Nobody waits for a seat: while
//! a flood had it, everybody behind it would. Nothing here knows HTTP; how long a
//! connection may take is the [`stream`]'s affair.

mod ahead;
mod head;
mod seat;
mod seats;
pub(crate) mod stream;

pub(crate) use head::Turns;
pub(crate) use seat::{Class, Occupied, Seat};

use crate::limits::Limit;
use crate::metrics::ConnectionMetrics;
use arc_swap::ArcSwap;
use local_exporter_config::ClientLimits;
use seats::Seats;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// Seats beyond `max_connections`, so that the exporter can be asked what is
/// going on while its connections are all at work.
pub(crate) const RESERVE: usize = 32;

/// All connections.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: ArcSwap<ClientLimits>,
    /// Laid out for the server as it starts, so it stays.
    max_connections: usize,
    metrics: ConnectionMetrics,
    began: Instant,
    seats: Mutex<Seats>,
    /// Set when connections are to end as soon as they are idle.
    stopping: AtomicBool,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub(crate) fn new(limits: ClientLimits, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self {
            max_connections: limits.max_connections,
            limits: ArcSwap::from_pointee(limits),
            metrics,
            began: Instant::now(),
            seats: Mutex::default(),
            stopping: AtomicBool::new(false),
        })
    }

    /// The most there can be, those in reserve included.
    #[must_use]
    pub(crate) fn most(&self) -> usize {
        self.max_connections + RESERVE
    }

    /// What clients may take now.
    #[must_use]
    pub(crate) fn limits(&self) -> ClientLimits {
        ClientLimits {
            max_connections: self.max_connections,
            ..**self.limits.load()
        }
    }

    /// Other limits from now on, but for `max_connections`.
    pub(crate) fn set_limits(&self, limits: ClientLimits) {
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

    /// A seat for a new connection, if there is one.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Arc<Seat>> {
        let mut seats = self.seats();
        let now = self.now();
        if seats.count() >= self.max_connections {
            self.reached(Limit::MaxConnections);
        }
        let Some(class) = seats.make_room(self.max_connections, self.most(), now) else {
            self.reached(Limit::Reserve);
            return None;
        };
        let seat = seats.take(
            |number| Seat::new(number, class, Arc::clone(self), now),
            now,
        );
        self.metrics.open(seats.count());
        Some(seat)
    }

    /// From now on multiplexed connections end once they are idle. The others
    /// end with the answer they are at, which is up to whoever writes it.
    pub(crate) fn stop(&self) {
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
    }
}

#[cfg(test)]
mod tests;
