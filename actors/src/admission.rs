//! Limits on concurrent scrapes, per selector and for all selectors together.
//!
//! A [`Permit`] of the selector travels with the message, so that the limit holds for the
//! actor's work even after the caller has disconnected. (The mailbox itself is no limit:
//! `send` always succeeds.) A [`GlobalPermit`] stays with the caller: a stuck actor never
//! returns the permits it was sent, and must not use up what other selectors need.
//!
//! Each selector can have [`GUARANTEED`] scrapes in progress even if the global limit is
//! reached, so that hung daemons do not deny service to the others.

use crate::lock::lock;
use prometheus::IntCounter;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Number of scrapes of each selector that the global limit does not refuse: enough for two
/// scrapers, as a pair of Prometheus servers has them.
pub const GUARANTEED: usize = 2;

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
    fn admit(&self) -> Option<GlobalPermit> {
        let more = |taken: usize| (taken < self.limit()).then_some(taken + 1);
        let order = (Ordering::AcqRel, Ordering::Acquire);
        let admitted = self.0.taken.fetch_update(order.0, order.1, more);
        admitted.is_ok().then(|| GlobalPermit(self.clone()))
    }

    /// Takes a permit, even if the limit is reached.
    fn admit_guaranteed(&self) -> GlobalPermit {
        self.0.taken.fetch_add(1, Ordering::AcqRel);
        GlobalPermit(self.clone())
    }

    /// Counts a scrape that was refused because of this limit.
    pub(crate) fn refused(&self) {
        if let Some(reached) = &self.0.reached {
            reached.inc();
        }
    }
}

/// The limit that a scrape would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitReached {
    /// That of its selector.
    Selector,
    /// That of all selectors.
    Global,
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

    /// Takes a permit of this selector and one of all, unless a limit is reached.
    pub(crate) fn admit(
        self: &Arc<Self>,
        all: &GlobalLimit,
    ) -> Result<(Permit, GlobalPermit), LimitReached> {
        let mut taken = lock(&self.taken);
        let in_progress = taken.since.len();
        if in_progress >= self.limit {
            return Err(LimitReached::Selector);
        }
        let of_all = match in_progress < GUARANTEED {
            true => all.admit_guaranteed(),
            false => all.admit().ok_or(LimitReached::Global)?,
        };
        let number = taken.next;
        taken.next += 1;
        taken.since.insert(number, Instant::now());
        drop(taken);
        let permit = Permit {
            number,
            in_flight: Arc::clone(self),
        };
        Ok((permit, of_all))
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
        let all = GlobalLimit::unlimited();
        let in_flight = Arc::new(InFlight::new(2));
        let first = in_flight.admit(&all).unwrap();
        let second = in_flight.admit(&all).unwrap();
        assert_eq!(in_flight.admit(&all).unwrap_err(), LimitReached::Selector);
        assert_eq!(in_flight.count(), 2);
        let oldest = in_flight.oldest();
        drop(first);
        assert!(in_flight.oldest() >= oldest);
        assert_eq!(in_flight.count(), 1);
        drop(second);
        assert_eq!((in_flight.count(), in_flight.oldest()), (0, None));
        assert_eq!(all.0.taken.load(Ordering::Acquire), 0);
        assert!(in_flight.admit(&all).is_ok());
    }

    #[test]
    fn all_selectors_share_one_limit_and_each_has_two_scrapes_beyond_it() {
        let reached = IntCounter::new("reached", "how often").unwrap();
        let all = GlobalLimit::new(8, reached.clone());
        let (hung, other) = (Arc::new(InFlight::new(64)), Arc::new(InFlight::new(64)));
        let admit = |in_flight: &Arc<InFlight>| in_flight.admit(&all);
        let admitted: Vec<_> = std::iter::from_fn(|| admit(&hung).ok()).collect();
        assert_eq!(admitted.len(), 8);
        assert_eq!(admit(&hung).unwrap_err(), LimitReached::Global);
        let guaranteed = [admit(&other).unwrap(), admit(&other).unwrap()];
        assert_eq!(admit(&other).unwrap_err(), LimitReached::Global);
        assert_eq!(all.0.taken.load(Ordering::Acquire), 10);
        drop(admitted);
        assert!(admit(&other).is_ok());
        all.set_limit(1);
        assert_eq!(admit(&other).unwrap_err(), LimitReached::Global);
        drop(guaranteed);
        assert_eq!(all.0.taken.load(Ordering::Acquire), 0);
        all.refused();
        assert_eq!(reached.get(), 1);
    }
}
