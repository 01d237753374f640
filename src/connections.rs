//! The connections of all clients: how many there are, and which of them gives way.
//!
//! Every connection has a [`Seat`]. When all are taken, the connection that has
//! been idle the longest is closed for the newcomer, so neither a flood nor
//! forgotten connections keep anybody out. When none is idle, the newcomer gets
//! one of a few seats in reserve, on which the pages about the exporter are
//! answered and scrapes are refused; these give way to each other likewise. With
//! all of those at work too it is closed unheard. Nothing here knows HTTP; how
//! long a connection may take is the [`stream`]'s affair.

pub mod stream;

use crate::metrics::{ConnectionMetrics, Limit};
use arc_swap::ArcSwap;
use futures_util::task::AtomicWaker;
use local_exporter_config::ClientLimits;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

/// Seats beyond `max_connections`, so that the exporter can be asked what is
/// going on while its connections are all at work.
pub const RESERVE: usize = 32;

/// The value of [`Seat::occupancy`] once another connection has the seat.
const GIVEN_AWAY: u64 = u64::MAX;
/// One occupant in [`Seat::occupancy`]; what is below it are milliseconds.
const OCCUPANT: u64 = 1 << 48;

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

/// What a connection may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Everything.
    Ordinary,
    /// One page about the exporter, no scrape.
    Reserved,
}

/// The place of one connection.
#[derive(Debug)]
pub struct Seat {
    number: u64,
    class: Class,
    connections: Arc<Connections>,
    /// How many occupy it, and since when nobody does, in milliseconds since
    /// connections could come; or [`GIVEN_AWAY`]. One word, since the thread that
    /// gives seats away is often another than that of the connection.
    occupancy: AtomicU64,
    /// Requests so far.
    requests: AtomicU64,
    /// Wakes the connection when its seat is given away.
    waker: AtomicWaker,
    /// Becomes true when the connection has ended.
    gone: watch::Sender<bool>,
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
        // Enough for nine thousand years.
        u64::try_from(millis).unwrap_or(u64::MAX) % OCCUPANT
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
        let seat = Arc::new(Seat {
            number,
            class,
            connections: Arc::clone(self),
            occupancy: AtomicU64::new(now),
            requests: AtomicU64::new(0),
            waker: AtomicWaker::new(),
            gone: watch::Sender::new(false),
        });
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
            seat.waker.wake();
        }
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The connection is gone.
    fn leave(&self, seat: &Seat) {
        seat.gone.send_replace(true);
        let mut seats = self.seats();
        seats.taken.remove(&seat.number);
        seats.forget_who_left(seat.class);
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
            // A request may begin at any moment, on another thread.
            let idle_still = |since| (since == noted).then_some(GIVEN_AWAY);
            match seat.change(idle_still) {
                Ok(_) => {
                    seat.waker.wake();
                    self.taken.remove(&number);
                    return true;
                }
                Err(since) if since < OCCUPANT => self.idlest(class).push(Reverse((since, number))),
                Err(_) => self.idlest(class).push(Reverse((now, number))),
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

impl Seat {
    /// What the connection may ask for.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// A request is under way from now on, and until the value returned is dropped.
    #[must_use]
    pub fn serve(self: &Arc<Self>) -> Occupied {
        self.requests.fetch_add(1, Ordering::AcqRel);
        self.occupy()
    }

    /// The connection is at work from now on, and until the value returned is dropped.
    fn occupy(self: &Arc<Self>) -> Occupied {
        // What is given away stays so: the connection ends.
        let _ = self.change(|now| (now != GIVEN_AWAY).then(|| now + OCCUPANT));
        Occupied(Arc::clone(self))
    }

    /// How many requests or answers are under way.
    #[must_use]
    pub fn occupants(&self) -> u64 {
        match self.occupancy.load(Ordering::Acquire) {
            GIVEN_AWAY => 0,
            occupancy => occupancy / OCCUPANT,
        }
    }

    /// Ends the connection, whatever it is at, because it has met a limit.
    pub fn end(&self, limit: Limit) {
        let give_away = |now| (now != GIVEN_AWAY).then_some(GIVEN_AWAY);
        if self.change(give_away).is_ok() {
            self.reached(limit);
            self.waker.wake();
        }
    }

    /// Resolves when the connection has ended.
    pub async fn gone(&self) {
        // The sender is the seat's own, so it is there.
        let _ = self.gone.subscribe().wait_for(|gone| *gone).await;
    }

    fn change(&self, change: impl FnMut(u64) -> Option<u64>) -> Result<u64, u64> {
        self.occupancy
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, change)
    }

    fn state(&self) -> State {
        match self.occupancy.load(Ordering::Acquire) {
            GIVEN_AWAY => State::GivenAway,
            OCCUPANT.. => State::Busy,
            millis => State::Idle(self.connections.began + Duration::from_millis(millis)),
        }
    }

    /// How many requests there were so far.
    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Acquire)
    }

    fn wake_when_given_away(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    fn limits(&self) -> ClientLimits {
        self.connections.limits()
    }

    fn reached(&self, limit: Limit) {
        self.connections.metrics.reached(limit);
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No request is under way since then.
    Idle(Instant),
    /// A request is under way, or its answer.
    Busy,
    /// Another connection has its seat.
    GivenAway,
}

/// A seat while it is made use of.
#[derive(Debug)]
pub struct Occupied(Arc<Seat>);

impl Drop for Occupied {
    fn drop(&mut self) {
        let idle_since = self.0.connections.now();
        let vacate = |now: u64| {
            let others = (now / OCCUPANT).saturating_sub(1);
            (now != GIVEN_AWAY).then_some(others * OCCUPANT + idle_since)
        };
        let _ = self.0.change(vacate);
    }
}

#[cfg(test)]
mod tests;
