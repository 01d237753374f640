//! The recent history of one selector's source: last success, last error, cache report.
//!
//! Decides which changes are logged. Plain data: it does not log or count metrics itself, and
//! every operation takes constant time, because it runs under the lock of the status.

use crate::log_limit::{LogLimit, LogLine};
use crate::reason::Reason;
use crate::report::{CacheReport, CacheSnapshot, Failure};
use crate::scrape::ScrapeError;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::time::Instant;

/// A change of the source that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceEvent {
    /// It failed, or failed for another reason than before.
    Failed(LogLine),
    /// It succeeded after this number of failed reads; the number is not known if lines were
    /// suppressed.
    Recovered(Option<u64>, LogLine),
}

/// The recent history of a source.
#[derive(Debug, Default)]
pub(super) struct SourceLog {
    /// Number of failed scrapes.
    failures: u64,
    /// Number of failed reads since the last success, and the reason of the last one.
    down: Option<(u64, Reason)>,
    last_success: Option<SystemTime>,
    last_error: Option<Failure>,
    body_bytes: Option<usize>,
    cache: Option<(Instant, Arc<CacheReport>)>,
    changes: LogLimit,
}

impl SourceLog {
    /// A scrape failed. A refusal during a back-off does not replace the error that caused it.
    pub(super) fn scrape_failed(&mut self, error: &ScrapeError) {
        self.failures += 1;
        if error.reason != Reason::Backoff {
            self.remember(error);
        }
    }

    /// A read of the source succeeded. Returns what is logged about it: a recovery, or the
    /// current state after changes that were not logged.
    pub(super) fn succeeded(&mut self, bytes: usize, now: SystemTime) -> Option<SourceEvent> {
        self.last_success = Some(now);
        self.body_bytes = Some(bytes);
        match self.down.take() {
            Some((failures, _)) => {
                let line = self.changes.event()?;
                Some(SourceEvent::Recovered(Some(failures), line))
            }
            None => Some(SourceEvent::Recovered(None, self.changes.overdue()?)),
        }
    }

    /// A read of the source failed. Returns what is logged about it: a new failure or a new
    /// reason, or the current state after changes that were not logged.
    pub(super) fn failed(&mut self, error: &ScrapeError) -> Option<SourceEvent> {
        self.remember(error);
        let (failures, before) = match self.down {
            Some((failures, reason)) => (failures, Some(reason)),
            None => (0, None),
        };
        self.down = Some((failures + 1, error.reason));
        let line = match before == Some(error.reason) {
            true => self.changes.overdue(),
            false => self.changes.event(),
        };
        line.map(SourceEvent::Failed)
    }

    /// The latest report about the cache.
    pub(super) fn cache_report(&self) -> Option<Arc<CacheReport>> {
        self.cache.as_ref().map(|(_, report)| Arc::clone(report))
    }

    /// Replaces the report about the cache, and returns the previous one, so that it is dropped
    /// outside the lock.
    #[must_use]
    pub(super) fn replace_cache_report(
        &mut self,
        report: Arc<CacheReport>,
    ) -> Option<Arc<CacheReport>> {
        let before = self.cache.replace((Instant::now(), report));
        before.map(|(_, report)| report)
    }

    pub(super) fn oldest_file(&self) -> Option<SystemTime> {
        self.cache.as_ref().and_then(|(_, report)| report.oldest)
    }

    fn remember(&mut self, error: &ScrapeError) {
        self.last_error = Some(Failure {
            reason: error.reason,
            message: error.message.clone(),
            at: SystemTime::now(),
        });
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// Whether the last read succeeded.
    pub(super) fn is_up(&self) -> bool {
        self.down.is_none() && self.last_success.is_some()
    }

    pub(super) fn last_success(&self) -> Option<SystemTime> {
        self.last_success
    }

    pub(super) fn last_error(&self) -> Option<Failure> {
        self.last_error.clone()
    }

    pub(super) fn body_bytes(&self) -> Option<usize> {
        self.body_bytes
    }

    pub(super) fn cache(&self) -> Option<CacheSnapshot> {
        self.cache.as_ref().map(|(checked, report)| CacheSnapshot {
            age: checked.elapsed(),
            report: Arc::clone(report),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused::paused;

    #[test]
    fn only_a_change_is_logged() {
        let absent = ScrapeError::new(Reason::Absent, "gone");
        let refused = ScrapeError::new(Reason::Refused, "no");
        let now = SystemTime::UNIX_EPOCH;
        let mut log = SourceLog::default();
        let is_failure = |event| matches!(event, Some(SourceEvent::Failed(_)));
        assert_eq!(
            log.succeeded(1, now),
            None,
            "a first success is no recovery"
        );
        assert!(is_failure(log.failed(&absent)));
        assert_eq!(log.failed(&absent), None);
        assert!(is_failure(log.failed(&refused)));
        let recovered = log.succeeded(1, now);
        assert!(matches!(
            recovered,
            Some(SourceEvent::Recovered(Some(3), _))
        ));
        assert_eq!(log.succeeded(1, now), None);
        assert!(
            is_failure(log.failed(&refused)),
            "a new failure after a recovery"
        );
    }

    #[test]
    fn a_source_that_alternates_is_logged_at_a_limited_rate_with_its_state_at_the_end() {
        paused(async {
            let refused = ScrapeError::new(Reason::Refused, "no");
            let now = SystemTime::UNIX_EPOCH;
            let mut log = SourceLog::default();
            let mut lines = 0;
            for _ in 0..1000 {
                lines += usize::from(log.failed(&refused).is_some());
                lines += usize::from(log.succeeded(1, now).is_some());
            }
            assert_eq!(lines, 10);
            tokio::time::sleep(crate::log_limit::INTERVAL).await;
            let Some(SourceEvent::Recovered(None, line)) = log.succeeded(1, now) else {
                panic!("the state at the end was not logged");
            };
            assert_eq!(line.suppressed(), Some(1990));
        });
    }

    #[test]
    fn a_back_off_does_not_hide_its_cause() {
        let mut log = SourceLog::default();
        log.scrape_failed(&ScrapeError::new(Reason::Crashed, "panic"));
        log.scrape_failed(&ScrapeError::new(Reason::Backoff, "backoff"));
        assert_eq!(log.failures(), 2);
        let reason = log.last_error().map(|failure| failure.reason);
        assert_eq!(reason, Some(Reason::Crashed));
    }
}
