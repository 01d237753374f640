//! The seat of one connection: who occupies it, since when nobody does, and whether it was given away.
//!
//! Knows nothing of the other seats; which of them gives way is [`super`]'s affair.

use super::Connections;
use crate::limits::Limit;
use futures_util::task::AtomicWaker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

/// The value of [`Seat::occupancy`] once another connection has the seat.
const GIVEN_AWAY: u64 = u64::MAX;
/// One occupant in [`Seat::occupancy`]; what is below it are milliseconds.
const OCCUPANT: u64 = 1 << 48;

/// What a connection may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Everything.
    Ordinary,
    /// One page about the exporter, no scrape.
    Reserved,
}

/// The place of one connection.
#[derive(Debug)]
pub(crate) struct Seat {
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
    /// Whether it is to be woken when a request begins or ends too.
    held_up: AtomicBool,
    /// Becomes true when the connection has ended.
    gone: watch::Sender<bool>,
}

impl Seat {
    /// A seat that nobody occupies, since so many milliseconds.
    pub(super) fn new(
        number: u64,
        class: Class,
        connections: Arc<Connections>,
        idle_since: u64,
    ) -> Self {
        Self {
            number,
            class,
            connections,
            occupancy: AtomicU64::new(idle_since % OCCUPANT),
            requests: AtomicU64::new(0),
            waker: AtomicWaker::new(),
            held_up: AtomicBool::new(false),
            gone: watch::Sender::new(false),
        }
    }

    /// Which of all seats it is.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// What the connection may ask for.
    #[must_use]
    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// A request is under way from now on, and until the value returned is dropped.
    #[must_use]
    pub(crate) fn serve(self: &Arc<Self>) -> Occupied {
        self.requests.fetch_add(1, Ordering::AcqRel);
        self.go_on();
        self.occupy()
    }

    /// The connection is at work from now on, and until the value returned is dropped.
    pub(super) fn occupy(self: &Arc<Self>) -> Occupied {
        // What is given away stays so: the connection ends.
        let _ = self.change(|now| (now != GIVEN_AWAY).then(|| now + OCCUPANT));
        Occupied(Arc::clone(self))
    }

    /// How many requests or answers are under way.
    #[must_use]
    pub(crate) fn occupants(&self) -> u64 {
        match self.occupancy.load(Ordering::Acquire) {
            GIVEN_AWAY => 0,
            occupancy => occupancy / OCCUPANT,
        }
    }

    /// Ends the connection, whatever it is at, because it has met a limit.
    pub(crate) fn end(&self, limit: Limit) {
        let give_away = |now| (now != GIVEN_AWAY).then_some(GIVEN_AWAY);
        if self.change(give_away).is_ok() {
            self.reached(limit);
            self.waker.wake();
        }
    }

    /// Resolves when the connection has ended.
    pub(crate) async fn gone(&self) {
        // The sender is the seat's own, so it is there.
        let _ = self.gone.subscribe().wait_for(|gone| *gone).await;
    }

    /// Gives it away if nobody occupies it, and nobody has since `noted`. A request
    /// may begin at any moment, on another thread.
    pub(super) fn give_away_if_idle_since(&self, noted: u64) -> GivingAway {
        let idle_still = |since| (since == noted).then_some(GIVEN_AWAY);
        match self.change(idle_still) {
            Ok(_) => {
                self.waker.wake();
                GivingAway::Done
            }
            Err(since) if since < OCCUPANT => GivingAway::IdleSince(since),
            Err(_) => GivingAway::Busy,
        }
    }

    /// Wakes the connection when its next request begins or one ends.
    pub(super) fn hold_up(&self) {
        self.held_up.store(true, Ordering::Release);
    }

    fn go_on(&self) {
        if self.held_up.swap(false, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// The connection looks at what it is to do.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// The connection is gone.
    pub(super) fn leave(&self) {
        self.gone.send_replace(true);
        self.connections.leave(self);
    }

    /// What limits there are, and who else has a seat.
    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }

    fn change(&self, change: impl FnMut(u64) -> Option<u64>) -> Result<u64, u64> {
        self.occupancy
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, change)
    }

    pub(super) fn state(&self) -> State {
        match self.occupancy.load(Ordering::Acquire) {
            GIVEN_AWAY => State::GivenAway,
            OCCUPANT.. => State::Busy,
            millis => State::Idle(self.connections.began + Duration::from_millis(millis)),
        }
    }

    /// How many requests there were so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Acquire)
    }

    pub(super) fn wake_when_given_away(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(super) fn reached(&self, limit: Limit) {
        self.connections.reached(limit);
    }
}

/// What came of giving a seat away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivingAway {
    /// The connection ends.
    Done,
    /// It was at work since, and is idle since then.
    IdleSince(u64),
    /// It is at work.
    Busy,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No request is under way since then.
    Idle(Instant),
    /// A request is under way, or its answer.
    Busy,
    /// Another connection has its seat.
    GivenAway,
}

/// A seat while it is made use of.
#[derive(Debug)]
pub(crate) struct Occupied(Arc<Seat>);

impl Occupied {
    /// Ends the connection that is at work here, because it has met a limit.
    pub(crate) fn end(&self, limit: Limit) {
        self.0.end(limit);
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        let idle_since = self.0.connections.now();
        let vacate = |now: u64| {
            let others = (now / OCCUPANT).saturating_sub(1);
            (now != GIVEN_AWAY).then_some(others * OCCUPANT + idle_since)
        };
        let _ = self.0.change(vacate);
        self.0.go_on();
    }
}
