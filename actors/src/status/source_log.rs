//! The recent history of one selector's source: last success, last error, cache report.
//!
//! Decides which events are new enough to be logged. Plain data: it does not log or count
//! metrics itself.

use crate::reason::Reason;
use crate::report::{CacheReport, CacheSnapshot, Failure};
use crate::scrape::ScrapeError;
use std::path::PathBuf;
use std::time::SystemTime;
use tokio::time::Instant;

/// What changed about one file.
#[derive(Debug)]
pub(super) enum FileNews {
    /// Something is wrong with it; whether its last good content is kept.
    Bad { kept: bool, error: ScrapeError },
    /// It is well again.
    Good(PathBuf),
}

/// The recent past of a source.
#[derive(Debug, Default)]
pub(super) struct SourceLog {
    failures: u64,
    /// Readings of the source that failed since it last answered, and why the last one did.
    down: Option<(u64, Reason)>,
    last_success: Option<SystemTime>,
    last_error: Option<Failure>,
    body_bytes: Option<usize>,
    cache: Option<(Instant, CacheReport)>,
}

impl SourceLog {
    /// A scrape failed; `resting` hides nothing, since the cause of the rest is the better story.
    pub(super) fn scrape_failed(&mut self, error: &ScrapeError) {
        self.failures += 1;
        if error.reason != Reason::Backoff {
            self.remember(error);
        }
    }

    /// The source answered; how often it had failed before, if that is news.
    pub(super) fn succeeded(&mut self, bytes: usize, now: SystemTime) -> Option<u64> {
        self.last_success = Some(now);
        self.body_bytes = Some(bytes);
        self.down.take().map(|(failures, _)| failures)
    }

    /// The source failed; whether that is news: a new failure, or a new reason.
    pub(super) fn failed(&mut self, error: &ScrapeError) -> bool {
        self.remember(error);
        let (failures, before) = match self.down {
            Some((failures, reason)) => (failures, Some(reason)),
            None => (0, None),
        };
        self.down = Some((failures + 1, error.reason));
        before != Some(error.reason)
    }

    /// Returns what is news of single files since the last look, in words; of
    /// all files together the source's own failure tells.
    pub(super) fn cache_checked(&mut self, report: CacheReport) -> Vec<FileNews> {
        let before = self.cache.take().map(|(_, report)| report.files);
        let before = before.unwrap_or_default();
        let was_served = before.iter().any(|file| file.served);
        let mut news = Vec::new();
        if report.files.iter().any(|file| file.served) {
            for file in &report.files {
                let earlier = before.iter().find(|earlier| earlier.path == file.path);
                let earlier = earlier.and_then(|earlier| earlier.error.as_ref());
                let same = |error: &ScrapeError| earlier.is_some_and(|e| e.reason == error.reason);
                match (&file.error, earlier) {
                    (Some(error), _) if !same(error) => news.push(FileNews::Bad {
                        kept: file.served,
                        error: error.clone(),
                    }),
                    (None, Some(_)) if was_served => {
                        news.push(FileNews::Good(file.path.clone()));
                    }
                    _ => {}
                }
            }
        }
        self.cache = Some((Instant::now(), report));
        news
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

    /// Whether it answered when it was last read.
    pub(super) fn answers(&self) -> bool {
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
    use crate::report::{FileReport, Watching};

    #[test]
    fn only_a_change_is_news() {
        let absent = ScrapeError::new(Reason::Absent, "gone");
        let refused = ScrapeError::new(Reason::Refused, "no");
        let now = SystemTime::UNIX_EPOCH;
        let mut log = SourceLog::default();
        assert_eq!(log.succeeded(1, now), None, "a first success is no news");
        assert!(log.failed(&absent));
        assert!(!log.failed(&absent));
        assert!(log.failed(&refused));
        assert_eq!(log.succeeded(1, now), Some(3));
        assert_eq!(log.succeeded(1, now), None);
        assert!(log.failed(&refused), "down again is news again");
    }

    #[test]
    fn a_bad_file_among_good_ones_is_news_once() {
        let file = |path: &str, error: Option<Reason>| FileReport {
            path: path.into(),
            mtime: None,
            served: error.is_none(),
            error: error.map(|reason| ScrapeError::new(reason, "it")),
        };
        let report = |files| CacheReport {
            watching: Watching::Events,
            oldest: None,
            files,
            passed_over: Vec::new(),
            duplicate_series: 0,
            conflicts: Vec::new(),
            missing_final_newlines: 0,
        };
        let (good, bad) = (file("a", None), file("b", Some(Reason::Malformed)));
        let mut log = SourceLog::default();
        let mut news = |files| log.cache_checked(report(files)).len();
        assert_eq!(news(vec![good.clone(), bad.clone()]), 1);
        assert_eq!(news(vec![good.clone(), bad.clone()]), 0);
        assert_eq!(news(vec![good.clone(), file("b", Some(Reason::Empty))]), 1);
        assert_eq!(
            news(vec![good.clone(), file("b", None)]),
            1,
            "well again is news"
        );
        assert_eq!(news(vec![good, file("b", None)]), 0);
        assert_eq!(news(vec![bad]), 0, "the source's own failure tells");
        assert_eq!(news(vec![file("b", None)]), 0, "and so does its recovery");
    }

    #[test]
    fn a_rest_does_not_hide_what_caused_it() {
        let mut log = SourceLog::default();
        log.scrape_failed(&ScrapeError::new(Reason::Crashed, "panic"));
        log.scrape_failed(&ScrapeError::new(Reason::Backoff, "backoff"));
        assert_eq!(log.failures(), 2);
        let reason = log.last_error().map(|failure| failure.reason);
        assert_eq!(reason, Some(Reason::Crashed));
    }
}
