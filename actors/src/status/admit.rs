//! Whether a scrape is admitted, and the errors of scrapes that the actor cannot serve.

use super::Status;
use crate::admission::{GlobalPermit, Permit};
use crate::lock::lock;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use std::time::Duration;
use tokio::time::Instant;

/// `Retry-After` of a scrape above a limit.
const OVERLOADED_RETRY_AFTER: Duration = Duration::from_secs(1);

impl Status {
    /// Admits a scrape: a permit for the message, and one for the caller.
    ///
    /// # Errors
    /// If the actor is stuck or in back-off, or a limit is reached.
    pub(crate) fn admit(&self) -> Result<(Permit, GlobalPermit), ScrapeError> {
        if self.poll_state.is_stuck() {
            return Err(ScrapeError::stuck());
        }
        let backoff_until = lock(&self.inner).backoff_until;
        // After the back-off the actor should be running. If it is not, because its thread is
        // blocked, scrapes must time out instead of being refused.
        if let Some(until) = backoff_until.filter(|until| *until > Instant::now()) {
            return Err(backoff(until));
        }
        let global_permit = self
            .global_limit
            .admit()
            .ok_or_else(|| overloaded(self.global_limit.limit(), "service.max_in_flight"))?;
        let permit = self
            .in_flight
            .admit()
            .ok_or_else(|| overloaded(self.in_flight.limit(), "max_in_flight of this selector"))?;
        Ok((permit, global_permit))
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
