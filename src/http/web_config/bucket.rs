//! How often may be asked: a bucket of tokens.
//!
//! Pure arithmetic; whoever takes a token says what time it is. One bucket
//! stands for all clients together, as in the toolkit.

use super::duration;
use std::time::{Duration, Instant};

/// One token per `interval`, and `burst` of them at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// How long it takes for a token to come; never zero.
    pub interval: Duration,
    /// How many are kept; with none, every request is one too many.
    pub burst: u32,
}

impl Rate {
    /// An interval of zero, or none, is no limit.
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

/// A bucket, full at first.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    /// What is in it, in time: a token is worth one interval.
    credit: Duration,
    since: Instant,
}

impl Bucket {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            credit: Self::most(rate),
            since: now,
        }
    }

    fn most(rate: Rate) -> Duration {
        rate.interval.saturating_mul(rate.burst)
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let come = now.saturating_duration_since(self.since);
        self.credit = self.credit.saturating_add(come).min(Self::most(self.rate));
        self.since = self.since.max(now);
        let left = self.credit.checked_sub(self.rate.interval);
        self.credit = left.unwrap_or(self.credit);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket(burst: u32) -> (Bucket, Instant) {
        let now = Instant::now();
        let rate = Rate {
            interval: SECOND,
            burst,
        };
        (Bucket::new(rate, now), now)
    }

    #[test]
    fn a_full_bucket_serves_its_burst_and_then_one_an_interval() {
        let (mut bucket, now) = bucket(3);
        let taken = (0..5).map(|_| bucket.take(now)).collect::<Vec<_>>();
        assert_eq!(taken, [true, true, true, false, false]);
        assert!(!bucket.take(now + SECOND / 2));
        assert!(bucket.take(now + SECOND));
        assert!(!bucket.take(now + SECOND));
    }

    #[test]
    fn it_never_holds_more_than_its_burst() {
        let (mut bucket, now) = bucket(2);
        let later = now + 100 * SECOND;
        let taken = (0..3).map(|_| bucket.take(later)).collect::<Vec<_>>();
        assert_eq!(taken, [true, true, false]);
    }

    #[test]
    fn a_burst_of_none_serves_nobody() {
        let (mut bucket, now) = bucket(0);
        assert!(!bucket.take(now));
        assert!(!bucket.take(now + 100 * SECOND));
    }

    #[test]
    fn a_clock_seen_out_of_order_gives_nothing_away() {
        let (mut bucket, now) = bucket(1);
        assert!(bucket.take(now + SECOND));
        assert!(!bucket.take(now));
        assert!(!bucket.take(now + SECOND));
        assert!(bucket.take(now + 2 * SECOND));
    }

    #[test]
    fn no_interval_is_no_limit() {
        assert_eq!(Rate::check(None, Some(5)).unwrap(), None);
        assert_eq!(Rate::check(Some("0s"), Some(5)).unwrap(), None);
        let rate = Rate {
            interval: SECOND,
            burst: 0,
        };
        assert_eq!(Rate::check(Some("1s"), None).unwrap(), Some(rate));
        assert!(
            Rate::check(Some("soon"), None)
                .unwrap_err()
                .contains("rate_limit")
        );
    }
}
