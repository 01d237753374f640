//! The recent history of one selector's source: last success, last error, cache report.
//!
//! Decides which changes are logged. Plain data: it does not log or count metrics itself.

use crate::reason::Reason;
use crate::report::{CacheReport, CacheSnapshot, Failure};
use crate::scrape::ScrapeError;
use std::path::PathBuf;
use std::time::SystemTime;
use tokio::time::Instant;

/// A change of one file that is logged.
#[derive(Debug)]
pub(super) enum FileEvent {
    /// It has a new error; whether something of it is still served.
    Failed { served: bool, error: ScrapeError },
    /// It has no error any more.
    Recovered(PathBuf),
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
    cache: Option<(Instant, CacheReport)>,
}

impl SourceLog {
    /// A scrape failed. A refusal during a back-off does not replace the error that caused it.
    pub(super) fn scrape_failed(&mut self, error: &ScrapeError) {
        self.failures += 1;
        if error.reason != Reason::Backoff {
            self.remember(error);
        }
    }

    /// A read of the source succeeded. Returns the number of failures before it, if any.
    pub(super) fn succeeded(&mut self, bytes: usize, now: SystemTime) -> Option<u64> {
        self.last_success = Some(now);
        self.body_bytes = Some(bytes);
        self.down.take().map(|(failures, _)| failures)
    }

    /// A read of the source failed. Returns whether this is a new failure or a new reason.
    pub(super) fn failed(&mut self, error: &ScrapeError) -> bool {
        self.remember(error);
        let (failures, before) = match self.down {
            Some((failures, reason)) => (failures, Some(reason)),
            None => (0, None),
        };
        self.down = Some((failures + 1, error.reason));
        before != Some(error.reason)
    }

    /// Stores a report and returns what changed about single files. While no file is served,
    /// nothing is returned: the failure of the source is logged instead.
    pub(super) fn cache_checked(&mut self, report: CacheReport) -> Vec<FileEvent> {
        let before = self.cache.take().map(|(_, report)| report.files);
        let before = before.unwrap_or_default();
        let was_served = before.iter().any(|file| file.served);
        let mut events = Vec::new();
        if report.files.iter().any(|file| file.served) {
            for file in &report.files {
                let earlier = before.iter().find(|earlier| earlier.path == file.path);
                let earlier = earlier.and_then(|earlier| earlier.error.as_ref());
                let same = |error: &ScrapeError| earlier.is_some_and(|e| e.reason == error.reason);
                match (&file.error, earlier) {
                    (Some(error), _) if !same(error) => events.push(FileEvent::Failed {
                        served: file.served,
                        error: error.clone(),
                    }),
                    (None, Some(_)) if was_served => {
                        events.push(FileEvent::Recovered(file.path.clone()));
                    }
                    _ => {}
                }
            }
        }
        self.cache = Some((Instant::now(), report));
        events
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
            report: report.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{FileReport, WatchMode};

    #[test]
    fn only_a_change_is_reported() {
        let absent = ScrapeError::new(Reason::Absent, "gone");
        let refused = ScrapeError::new(Reason::Refused, "no");
        let now = SystemTime::UNIX_EPOCH;
        let mut log = SourceLog::default();
        assert_eq!(
            log.succeeded(1, now),
            None,
            "a first success is no recovery"
        );
        assert!(log.failed(&absent));
        assert!(!log.failed(&absent));
        assert!(log.failed(&refused));
        assert_eq!(log.succeeded(1, now), Some(3));
        assert_eq!(log.succeeded(1, now), None);
        assert!(log.failed(&refused), "a new failure after a recovery");
    }

    #[test]
    fn an_error_of_one_file_among_others_is_reported_once() {
        let file = |path: &str, error: Option<Reason>| FileReport {
            path: path.into(),
            mtime: None,
            served: error.is_none(),
            error: error.map(|reason| ScrapeError::new(reason, "it")),
        };
        let report = |files| CacheReport {
            watching: WatchMode::Events,
            oldest: None,
            files,
            passed_over: Vec::new(),
            duplicate_series: 0,
            conflicts: Vec::new(),
            missing_final_newlines: 0,
        };
        let (good, bad) = (file("a", None), file("b", Some(Reason::Malformed)));
        let mut log = SourceLog::default();
        let mut events = |files| log.cache_checked(report(files)).len();
        assert_eq!(events(vec![good.clone(), bad.clone()]), 1);
        assert_eq!(events(vec![good.clone(), bad.clone()]), 0);
        assert_eq!(
            events(vec![good.clone(), file("b", Some(Reason::Empty))]),
            1
        );
        assert_eq!(
            events(vec![good.clone(), file("b", None)]),
            1,
            "a recovery is reported"
        );
        assert_eq!(events(vec![good, file("b", None)]), 0);
        assert_eq!(
            events(vec![bad]),
            0,
            "the failure of the source is logged instead"
        );
        assert_eq!(events(vec![file("b", None)]), 0, "and so is its recovery");
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
