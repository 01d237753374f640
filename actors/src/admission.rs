//! Limits on concurrent scrapes, per selector and for all selectors together.
//!
//! A [`Permit`] of the selector travels with the message, so that the limit holds for the
//! actor's work even after the caller has disconnected. (The mailbox itself is no limit:
//! `send` always succeeds.) A [`GlobalPermit`] stays with the caller: a stuck actor never
//! returns the permits it was sent, and must not use up what other selectors need.

use crate::lock::lock;
use prometheus::IntCounter;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Interval at which [`GlobalLimit::idle`] checks for scrapes in progress.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_millis(10);

/// The limit on scrapes in progress over all selectors. Clones share it.
#[derive(Clone, Debug)]
pub struct GlobalLimit(Arc<Total>);

#[derive(Debug)]
struct Total {
    limit: AtomicUsize,
    taken: AtomicUsize,
    reached: Option<IntCounter>,
}

impl GlobalLimit {
    /// A limit of `limit` scrapes; `reached` counts the scrapes it refuses.
    #[must_use]
    pub fn new(limit: usize, reached: IntCounter) -> Self {
        Self::of(limit, Some(reached))
    }

    /// No limit, for commands that scrape once.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::of(usize::MAX, None)
    }

    fn of(limit: usize, reached: Option<IntCounter>) -> Self {
        Self(Arc::new(Total {
            limit: AtomicUsize::new(limit),
            taken: AtomicUsize::new(0),
            reached,
        }))
    }

    /// The current limit.
    pub(crate) fn limit(&self) -> usize {
        self.0.limit.load(Ordering::Acquire)
    }

    /// Changes the limit. Scrapes in progress above it continue.
    pub fn set_limit(&self, limit: usize) {
        self.0.limit.store(limit, Ordering::Release);
    }

    /// Resolves when no scrape is in progress. Polls, because only shutdown needs it.
    pub async fn idle(&self) {
        while self.0.taken.load(Ordering::Acquire) > 0 {
            sleep(IDLE_CHECK_INTERVAL).await;
        }
    }

    /// Takes a permit, unless the limit is reached.
    pub(crate) fn admit(&self) -> Option<GlobalPermit> {
        let more = |taken: usize| (taken < self.limit()).then_some(taken + 1);
        let order = (Ordering::AcqRel, Ordering::Acquire);
        if self.0.taken.fetch_update(order.0, order.1, more).is_ok() {
            return Some(GlobalPermit(self.clone()));
        }
        if let Some(reached) = &self.0.reached {
            reached.inc();
        }
        None
    }
}

/// One scrape of all; returned when dropped.
#[derive(Debug)]
pub(crate) struct GlobalPermit(GlobalLimit);

impl Drop for GlobalPermit {
    fn drop(&mut self) {
        self.0.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The scrapes of one selector in progress, at most `limit` of them.
#[derive(Debug)]
pub(crate) struct InFlight {
    limit: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// When each permit was taken. Keys increase, so the first entry is the oldest.
    since: BTreeMap<u64, Instant>,
    next: u64,
}

impl InFlight {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            taken: Mutex::default(),
        }
    }

    /// Takes a permit, unless the limit is reached.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Permit> {
        let mut taken = lock(&self.taken);
        if taken.since.len() >= self.limit {
            return None;
        }
        let number = taken.next;
        taken.next += 1;
        taken.since.insert(number, Instant::now());
        drop(taken);
        Some(Permit {
            number,
            in_flight: Arc::clone(self),
        })
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.taken).since.len()
    }

    /// When the oldest permit was taken.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        lock(&self.taken).since.values().next().copied()
    }
}

/// One scrape of a selector; returned when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    number: u64,
    in_flight: Arc<InFlight>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        lock(&self.in_flight.taken).since.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
    use super::*;

    #[test]
    fn permits_are_limited_and_returned() {
        let in_flight = Arc::new(InFlight::new(2));
        let first = in_flight.admit().unwrap();
        let second = in_flight.admit().unwrap();
        assert!(in_flight.admit().is_none());
        assert_eq!(in_flight.count(), 2);
        let oldest = in_flight.oldest();
        drop(first);
        assert!(in_flight.oldest() >= oldest);
        assert_eq!(in_flight.count(), 1);
        drop(second);
        assert_eq!((in_flight.count(), in_flight.oldest()), (0, None));
        assert!(in_flight.admit().is_some());
    }

    #[test]
    fn all_selectors_share_one_limit() {
        let reached = IntCounter::new("reached", "how often").unwrap();
        let all = GlobalLimit::new(2, reached.clone());
        let (first, second) = (all.admit(), all.clone().admit());
        assert!(first.is_some() && second.is_some());
        assert!(all.admit().is_none());
        assert_eq!(reached.get(), 1);
        drop(first);
        assert!(all.admit().is_some());
        all.set_limit(1);
        assert!(all.admit().is_none(), "one is in progress");
        drop(second);
        assert_eq!(all.0.taken.load(Ordering::Acquire), 0);
    }
}
