//! The rate limit: a token bucket, shared by all clients as in the toolkit.
//!
//! Pure arithmetic; callers pass the current time.

use super::duration;
use std::time::{Duration, Instant};

/// One token per `interval`, at most `burst` tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RateLimit {
    /// Time until another token is added; never zero.
    pub(super) interval: Duration,
    /// Capacity of the bucket; if zero, every request is refused.
    pub(super) burst: u32,
}

impl RateLimit {
    /// Returns `None`, no limit, if the interval is unset or zero.
    pub(super) fn check(
        interval: Option<&str>,
        burst: Option<u32>,
    ) -> Result<Option<Self>, String> {
        let interval = interval.map_or(Ok(Duration::ZERO), duration::parse);
        let interval = interval.map_err(|error| format!("rate_limit: {error}"))?;
        let burst = burst.unwrap_or(0);
        Ok((!interval.is_zero()).then_some(Self { interval, burst }))
    }
}

/// A token bucket, full at first.
#[derive(Debug)]
pub(super) struct TokenBucket {
    limit: RateLimit,
    /// Contents as a time: a token is one interval.
    credit: Duration,
    updated: Instant,
}

impl TokenBucket {
    pub(super) fn new(limit: RateLimit, now: Instant) -> Self {
        Self {
            limit,
            credit: Self::capacity(limit),
            updated: now,
        }
    }

    fn capacity(limit: RateLimit) -> Duration {
        limit.interval.saturating_mul(limit.burst)
    }

    /// Takes a token; returns whether there was one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.updated);
        let credit = self.credit.saturating_add(elapsed);
        self.credit = credit.min(Self::capacity(self.limit));
        self.updated = self.updated.max(now);
        let left = self.credit.checked_sub(self.limit.interval);
        self.credit = left.unwrap_or(self.credit);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket(burst: u32) -> (TokenBucket, Instant) {
        let now = Instant::now();
        let limit = RateLimit {
            interval: SECOND,
            burst,
        };
        (TokenBucket::new(limit, now), now)
    }

    #[test]
    fn a_full_bucket_allows_its_burst_and_then_one_request_per_interval() {
        let (mut bucket, now) = bucket(3);
        let taken = (0..5).map(|_| bucket.take(now)).collect::<Vec<_>>();
        assert_eq!(taken, [true, true, true, false, false]);
        assert!(!bucket.take(now + SECOND / 2));
        assert!(bucket.take(now + SECOND));
        assert!(!bucket.take(now + SECOND));
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst() {
        let (mut bucket, now) = bucket(2);
        let later = now + 100 * SECOND;
        let taken = (0..3).map(|_| bucket.take(later)).collect::<Vec<_>>();
        assert_eq!(taken, [true, true, false]);
    }

    #[test]
    fn a_burst_of_zero_refuses_every_request() {
        let (mut bucket, now) = bucket(0);
        assert!(!bucket.take(now));
        assert!(!bucket.take(now + 100 * SECOND));
    }

    #[test]
    fn times_out_of_order_add_no_tokens() {
        let (mut bucket, now) = bucket(1);
        assert!(bucket.take(now + SECOND));
        assert!(!bucket.take(now));
        assert!(!bucket.take(now + SECOND));
        assert!(bucket.take(now + 2 * SECOND));
    }

    #[test]
    fn without_an_interval_there_is_no_limit() {
        assert_eq!(RateLimit::check(None, Some(5)).unwrap(), None);
        assert_eq!(RateLimit::check(Some("0s"), Some(5)).unwrap(), None);
        let limit = RateLimit {
            interval: SECOND,
            burst: 0,
        };
        assert_eq!(RateLimit::check(Some("1s"), None).unwrap(), Some(limit));
        assert!(
            RateLimit::check(Some("soon"), None)
                .unwrap_err()
                .contains("rate_limit")
        );
    }
}
