//! The connections of all clients: how many there are, and which of them gives way.
//!
//! Every connection has a [`Seat`]. When all are taken, the connection that has
//! been idle the longest is closed for the newcomer, so neither a flood nor
//! forgotten connections keep anybody out. When none is idle, the newcomer gets
//! one of a few seats in reserve, on which the pages about the exporter are
//! answered and scrapes are refused; these give way to each other likewise. With
//! all of those at work too it is closed unheard. Nothing here knows HTTP; how
//! long a connection may take is the [`stream`]'s affair.

mod head;
mod seat;
pub mod stream;

pub use head::{LARGEST_HEAD, Turns};
pub use seat::{Class, Occupied, Seat};

use crate::metrics::{ConnectionMetrics, Limit};
use arc_swap::ArcSwap;
use local_exporter_config::ClientLimits;
use seat::GivingAway;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// Seats beyond `max_connections`, so that the exporter can be asked what is
/// going on while its connections are all at work.
pub const RESERVE: usize = 32;

/// All connections.
#[derive(Debug)]
pub struct Connections {
    limits: ArcSwap<ClientLimits>,
    /// Laid out for the server as it starts, so it stays.
    max_connections: usize,
    metrics: ConnectionMetrics,
    began: Instant,
    seats: Mutex<Seats>,
    /// Set when connections are to end as soon as they are idle.
    stopping: AtomicBool,
}

#[derive(Debug, Default)]
struct Seats {
    /// Those that are not given away, by number; numbers rise.
    taken: HashMap<u64, Arc<Seat>>,
    next: u64,
    ordinary: Idlest,
    reserved: Idlest,
}

/// Seats by when they were last known to become idle, the earliest first. What
/// happens to a seat is not noted here but found when it is its turn: requests
/// come far more often than seats run out.
type Idlest = BinaryHeap<Reverse<(u64, u64)>>;

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

    /// A seat for a new connection, if there is one.
    pub fn admit(self: &Arc<Self>) -> Option<Arc<Seat>> {
        let mut seats = self.seats();
        let full = seats.taken.len() >= self.max_connections;
        if full {
            self.metrics.reached(Limit::MaxConnections);
        }
        let reserve = seats.taken.len() < self.most();
        let now = self.now();
        let class = if !full || seats.give_away_the_idlest(Class::Ordinary, now) {
            Class::Ordinary
        } else if reserve || seats.give_away_the_idlest(Class::Reserved, now) {
            Class::Reserved
        } else {
            self.metrics.reached(Limit::Reserve);
            return None;
        };
        let number = seats.next;
        seats.next += 1;
        let seat = Arc::new(Seat::new(number, class, Arc::clone(self), now));
        seats.taken.insert(number, Arc::clone(&seat));
        seats.idlest(class).push(Reverse((now, number)));
        self.metrics.open(seats.taken.len());
        Some(seat)
    }

    /// From now on multiplexed connections end once they are idle. The others
    /// end with the answer they are at, which is up to whoever writes it.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        for seat in self.seats().taken.values() {
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
        seats.taken.remove(&seat.number());
        seats.forget_who_left(seat.class());
        self.metrics.open(seats.taken.len());
    }
}

impl Seats {
    fn idlest(&mut self, class: Class) -> &mut Idlest {
        match class {
            Class::Ordinary => &mut self.ordinary,
            Class::Reserved => &mut self.reserved,
        }
    }

    /// Takes the seat of the connection of a class that has been idle the longest, if any is idle.
    fn give_away_the_idlest(&mut self, class: Class, now: u64) -> bool {
        // Each has its turn once at most.
        for _ in 0..self.idlest(class).len() {
            let Some(Reverse((noted, number))) = self.idlest(class).pop() else {
                return false;
            };
            let Some(seat) = self.taken.get(&number) else {
                continue;
            };
            match seat.give_away_if_idle_since(noted) {
                GivingAway::Done => {
                    self.taken.remove(&number);
                    return true;
                }
                GivingAway::IdleSince(since) => self.idlest(class).push(Reverse((since, number))),
                GivingAway::Busy => self.idlest(class).push(Reverse((now, number))),
            }
        }
        false
    }

    /// Keeps what is noted in proportion to what there is.
    fn forget_who_left(&mut self, class: Class) {
        let mut noted = std::mem::take(self.idlest(class));
        if noted.len() > 2 * self.taken.len() + RESERVE {
            noted.retain(|Reverse((_, number))| self.taken.contains_key(number));
        }
        *self.idlest(class) = noted;
    }
}

#[cfg(test)]
mod tests;
