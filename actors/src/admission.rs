//! The scrapes that wait for one selector: how many, and since when; and all of them together.
//!
//! A [`Permit`] is a place among them and travels with the message, so that the
//! bound holds for the actor's work even after its caller has gone. An actor's
//! mailbox is no bound: `send` is always accepted. A [`GlobalPermit`] of the whole stays
//! with the caller: an actor that is stuck keeps every permit it was sent, and
//! would otherwise use up what all others need.

use prometheus::IntCounter;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often it is looked whether the last scrape has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The most scrapes in flight over all selectors.
#[derive(Clone, Debug)]
pub struct GlobalLimit(Arc<Total>);

#[derive(Debug)]
struct Total {
    limit: AtomicUsize,
    taken: AtomicUsize,
    reached: Option<IntCounter>,
}

impl GlobalLimit {
    /// At most `limit`; whenever that is not enough, `reached` counts it.
    #[must_use]
    pub fn new(limit: usize, reached: IntCounter) -> Self {
        Self::of(limit, Some(reached))
    }

    /// None at all, for whoever asks once.
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

    /// The most there may be.
    pub(crate) fn limit(&self) -> usize {
        self.0.limit.load(Ordering::Acquire)
    }

    /// At most `limit` from now on; those under way stay, if they are more.
    pub fn set_limit(&self, limit: usize) {
        self.0.limit.store(limit, Ordering::Release);
    }

    /// Resolves when there are none. Looked at now and then, which only a stop needs.
    pub async fn idle(&self) {
        while self.0.taken.load(Ordering::Acquire) > 0 {
            sleep(LOOK_EVERY).await;
        }
    }

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

/// One of all, given back when dropped.
#[derive(Debug)]
pub(crate) struct GlobalPermit(GlobalLimit);

impl Drop for GlobalPermit {
    fn drop(&mut self) {
        self.0.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The in_flight of one selector, at most `limit` of them.
#[derive(Debug)]
pub(crate) struct InFlight {
    limit: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    /// Numbers rise, so the first entry is the oldest.
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

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, if one is free.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Permit> {
        let mut taken = self.taken();
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
        self.taken().since.len()
    }

    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.taken().since.values().next().copied()
    }
}

/// One place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    number: u64,
    in_flight: Arc<InFlight>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.in_flight.taken().since.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
    use super::*;

    #[test]
    fn permits_are_bounded_and_given_back() {
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
        assert!(all.admit().is_none(), "one is under way");
        drop(second);
        assert_eq!(all.0.taken.load(Ordering::Acquire), 0);
    }
}
