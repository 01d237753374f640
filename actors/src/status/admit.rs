//! Whether a scrape is admitted, and the errors of scrapes that the actor cannot serve.

use super::{Admission, Status};
use crate::admission::LimitReached;
use crate::lock::lock;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use std::time::Duration;
use tokio::time::Instant;

/// `Retry-After` of a scrape above a limit.
const OVERLOADED_RETRY_AFTER: Duration = Duration::from_secs(1);

impl Status {
    /// Admits a scrape, or returns a result that needs no permit.
    ///
    /// # Errors
    /// If the actor is stuck or in back-off, or a limit is reached and no result is cached.
    pub(crate) fn admit(&self) -> Result<Admission, ScrapeError> {
        if self.poll_state.is_stuck() {
            return Err(ScrapeError::stuck());
        }
        let backoff_until = lock(&self.inner).backoff_until;
        // After the back-off the actor should be running. If it is not, because its thread is
        // blocked, scrapes must time out instead of being refused.
        if let Some(until) = backoff_until.filter(|until| *until > Instant::now()) {
            return Err(backoff(until));
        }
        let refused = match self.in_flight.admit(&self.global_limit) {
            Ok((permit, global_permit)) => return Ok(Admission::Admitted(permit, global_permit)),
            Err(refused) => refused,
        };
        if let Some(result) = self.cached.get() {
            return Ok(Admission::Cached(result));
        }
        Err(match refused {
            LimitReached::Selector => {
                overloaded(self.in_flight.limit(), "max_in_flight of this selector")
            }
            LimitReached::Global => {
                self.global_limit.refused();
                overloaded(self.global_limit.limit(), "service.max_in_flight")
            }
        })
    }

    /// The error of a scrape whose actor failed while it worked on it.
    pub(crate) fn crashed(&self) -> ScrapeError {
        let backoff_until = lock(&self.inner).backoff_until;
        let mut error = ScrapeError::new(Reason::Crashed, "the actor failed during this scrape");
        error.retry_after = backoff_until.map(|until| until - Instant::now());
        error
    }
}

fn backoff(until: Instant) -> ScrapeError {
    let left = until.saturating_duration_since(Instant::now());
    let message = format!("the actor failed and restarts in {left:.1?}");
    let mut error = ScrapeError::new(Reason::Backoff, message);
    error.retry_after = Some(left);
    error
}

fn overloaded(limit: usize, setting: &str) -> ScrapeError {
    let message = format!("{limit} scrapes are in progress, as many as {setting} allows");
    let mut error = ScrapeError::new(Reason::Overloaded, message);
    error.retry_after = Some(OVERLOADED_RETRY_AFTER);
    error
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
    use super::*;
    use crate::admission::GlobalLimit;
    use crate::metrics::Metrics;

    #[test]
    fn a_cached_result_needs_no_permit() {
        let registry = prometheus::Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        let reached = prometheus::IntCounter::new("reached", "how often").unwrap();
        let all = GlobalLimit::new(1, reached.clone());
        let status = Status::new(metrics.selector("it"), 3, all);
        let admit = || match status.admit() {
            Ok(Admission::Admitted(permit, of_all)) => Ok(Some((permit, of_all))),
            Ok(Admission::Cached(result)) => result.map(|_| None),
            Err(error) => Err(error),
        };
        let admitted = [admit(), admit()];
        assert!(admitted.iter().all(|found| matches!(found, Ok(Some(_)))));
        assert_eq!(admit().unwrap_err().reason, Reason::Overloaded);
        assert_eq!(reached.get(), 1);
        let cached = ScrapeError::new(Reason::Absent, "gone");
        status.publish_cached(Err(cached), Duration::from_secs(60));
        assert_eq!(admit().unwrap_err().reason, Reason::Absent);
        assert_eq!(reached.get(), 1, "a scrape that is served is not counted");
        status.backing_off(Instant::now());
        let refused = admit().unwrap_err().reason;
        assert_eq!(refused, Reason::Overloaded, "a new actor has no cache yet");
    }
}
