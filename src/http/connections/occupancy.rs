//! The state of a connection slot in one atomic word: busy, idle since a time, or evicted.
//!
//! One word, because the thread that evicts a connection is often not the one that serves it.
//! Pure, except for the atomic operations; callers pass the time.

use std::sync::atomic::{AtomicU64, Ordering};

/// The word of an evicted slot.
const EVICTED: u64 = u64::MAX;
/// One use of the slot; the bits below it are milliseconds.
const ONE_USE: u64 = 1 << 48;

/// The number of uses of a slot and, if it has none, since when, in milliseconds since startup.
#[derive(Debug)]
pub(super) struct AtomicOccupancy(AtomicU64);

/// A snapshot of an [`AtomicOccupancy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occupancy {
    /// Not in use, since so many milliseconds after startup.
    IdleSince(u64),
    /// A request or its response is in progress.
    Busy,
    /// Another connection has the slot; final.
    Evicted,
}

impl AtomicOccupancy {
    /// A slot that is idle since `now`.
    pub(super) fn idle(now: u64) -> Self {
        Self(AtomicU64::new(now % ONE_USE))
    }

    pub(super) fn load(&self) -> Occupancy {
        Occupancy::of(self.0.load(Ordering::Acquire))
    }

    /// Number of uses.
    pub(super) fn uses(&self) -> u64 {
        match self.0.load(Ordering::Acquire) {
            EVICTED => 0,
            word => word / ONE_USE,
        }
    }

    /// Adds a use. Has no effect on an evicted slot.
    pub(super) fn begin_use(&self) {
        let _ = self.update(|word| (word != EVICTED).then(|| word + ONE_USE));
    }

    /// Removes a use. Has no effect on an evicted slot.
    pub(super) fn end_use(&self, now: u64) {
        let end = |word: u64| {
            let others = (word / ONE_USE).saturating_sub(1);
            (word != EVICTED).then_some(others * ONE_USE + now)
        };
        let _ = self.update(end);
    }

    /// Evicts the slot in any state; returns whether it was not evicted before.
    pub(super) fn evict(&self) -> bool {
        let evict = |word| (word != EVICTED).then_some(EVICTED);
        self.update(evict).is_ok()
    }

    /// Evicts the slot if it is idle since exactly `since`. Returns the state that it had: a
    /// request may begin at any moment on another thread.
    pub(super) fn evict_if_idle_since(&self, since: u64) -> Result<(), Occupancy> {
        let evict = |word| (word == since).then_some(EVICTED);
        self.update(evict).map(drop).map_err(Occupancy::of)
    }

    fn update(&self, change: impl FnMut(u64) -> Option<u64>) -> Result<u64, u64> {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, change)
    }
}

impl Occupancy {
    fn of(word: u64) -> Self {
        match word {
            EVICTED => Self::Evicted,
            ONE_USE.. => Self::Busy,
            millis => Self::IdleSince(millis),
        }
    }
}
