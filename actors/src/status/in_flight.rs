//! The scrapes that wait for one selector: how many, and since when.
//!
//! A [`Permit`] is a place among them and travels with the message, so that the
//! bound holds for the actor's work even after its caller has gone. An actor's
//! mailbox is no bound: `send` is always accepted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The places, at most `limit` of them.
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
            places: Arc::clone(self),
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
pub struct Permit {
    number: u64,
    places: Arc<InFlight>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.places.taken().since.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let places = Arc::new(InFlight::new(2));
        let first = places.admit().unwrap();
        let second = places.admit().unwrap();
        assert!(places.admit().is_none());
        assert_eq!(places.count(), 2);
        let oldest = places.oldest();
        drop(first);
        assert!(places.oldest() >= oldest);
        assert_eq!(places.count(), 1);
        drop(second);
        assert_eq!((places.count(), places.oldest()), (0, None));
        assert!(places.admit().is_some());
    }
}
