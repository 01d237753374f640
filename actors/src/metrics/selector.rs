//! The handles of one selector: looked up at start, gone with it.
//!
//! Counting is a few atomic adds; series that say something of a source are
//! made when something is known of it.

use super::Metrics;
use crate::scrape::Reason;
use crate::status::{CacheReport, State, Watching};
use prometheus::{Gauge, Histogram, IntCounter, IntGauge};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

/// The handles of one selector; its series vanish when this is dropped.
#[derive(Debug)]
pub struct SelectorMetrics {
    scrapes: IntCounter,
    duration: Histogram,
    restarts: IntCounter,
    states: [IntGauge; State::ALL.len()],
    /// Made when the source was first read: before that, nothing is known of it.
    up: OnceLock<IntGauge>,
    /// Made when it first gave a whole answer.
    answered: OnceLock<AnsweredMetrics>,
    /// Made when files were looked at.
    files: OnceLock<FileMetrics>,
    /// The files that have a series.
    file_labels: Mutex<HashSet<String>>,
    families: Metrics,
    selector: String,
}

impl Metrics {
    /// The handles of one selector.
    #[must_use]
    pub fn selector(&self, selector: &str) -> SelectorMetrics {
        let one = &[selector];
        SelectorMetrics {
            scrapes: self.scrapes.with_label_values(one),
            duration: self.duration.with_label_values(one),
            restarts: self.restarts.with_label_values(one),
            states: State::ALL
                .map(|state| self.state.with_label_values(&[selector, state.as_str()])),
            up: OnceLock::new(),
            answered: OnceLock::new(),
            files: OnceLock::new(),
            file_labels: Mutex::default(),
            families: self.clone(),
            selector: selector.to_owned(),
        }
    }
}

#[derive(Debug)]
struct AnsweredMetrics {
    body_bytes: IntGauge,
    last_success: Gauge,
}

#[derive(Debug)]
struct FileMetrics {
    duplicate_series: IntGauge,
    conflicts: IntGauge,
    missing_newlines: IntCounter,
    watch_modes: [IntGauge; Watching::ALL.len()],
}

impl SelectorMetrics {
    pub(crate) fn scraped(&self, seconds: f64, failure: Option<Reason>) {
        self.scrapes.inc();
        self.duration.observe(seconds);
        if let Some(reason) = failure {
            let labels = &[self.selector.as_str(), reason.as_str()];
            self.families.failures.with_label_values(labels).inc();
        }
    }

    /// The source gave a whole answer of `bytes`, at `now` in seconds since the
    /// epoch, whose newest sample is of `newest` milliseconds since then.
    pub(crate) fn source_answered(&self, bytes: usize, now: f64, newest: Option<i64>) {
        self.up().set(1);
        let one = &[self.selector.as_str()];
        let answered = self.answered.get_or_init(|| AnsweredMetrics {
            body_bytes: self.families.body_bytes.with_label_values(one),
            last_success: self.families.last_success.with_label_values(one),
        });
        answered.body_bytes.set(whole(bytes));
        answered.last_success.set(now);
        match newest {
            #[expect(
                clippy::cast_precision_loss,
                reason = "exact for the next 285,000 years"
            )]
            Some(newest) => {
                let seconds = newest as f64 / 1000.0;
                self.families
                    .newest_sample
                    .with_label_values(one)
                    .set(seconds);
            }
            // That there was none is no error.
            None => drop(self.families.newest_sample.remove_label_values(one)),
        }
    }

    pub(crate) fn source_failed(&self) {
        self.up().set(0);
    }

    /// The files of a cache were looked at.
    pub(crate) fn files_checked(&self, report: &CacheReport) {
        let files = self.files();
        files.duplicate_series.set(whole(report.duplicate_series));
        files.conflicts.set(whole(report.conflicts.len()));
        let missing = u64::try_from(report.missing_final_newlines).unwrap_or(u64::MAX);
        files.missing_newlines.inc_by(missing);
        for (gauge, known) in files.watch_modes.iter().zip(Watching::ALL) {
            gauge.set(i64::from(known == report.watching));
        }
        self.mark_files(report);

        let one = &[self.selector.as_str()];
        let Some(oldest) = report.oldest else {
            let _ = self.families.file_mtime.remove_label_values(one);
            let _ = self.families.file_age.remove_label_values(one);
            return;
        };
        // A file may claim to be older than the epoch: then the gauge says zero.
        let mtime = oldest
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let gauge = self.families.file_mtime.with_label_values(one);
        gauge.set(mtime.as_secs_f64());
    }

    /// The oldest file was modified `seconds` ago.
    pub(crate) fn file_aged(&self, seconds: f64) {
        let one = &[self.selector.as_str()];
        self.families.file_age.with_label_values(one).set(seconds);
    }

    /// One series a file, for as long as the file is there.
    fn mark_files(&self, report: &CacheReport) {
        let mut labels = self.file_labels();
        let mut gone = std::mem::take(&mut *labels);
        for file in &report.files {
            let path = file.path.to_string_lossy().into_owned();
            let gauge = &self.families.file_error;
            let gauge = gauge.with_label_values(&[self.selector.as_str(), &path]);
            gauge.set(i64::from(file.error.is_some()));
            gone.remove(&path);
            labels.insert(path);
        }
        self.forget_files(&gone);
    }

    fn forget_files(&self, files: &HashSet<String>) {
        for path in files {
            let labels = &[self.selector.as_str(), path];
            let _ = self.families.file_error.remove_label_values(labels);
        }
    }

    fn file_labels(&self) -> MutexGuard<'_, HashSet<String>> {
        self.file_labels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn restarted(&self) {
        self.restarts.inc();
    }

    pub(crate) fn entered(&self, state: State) {
        for (gauge, known) in self.states.iter().zip(State::ALL) {
            gauge.set(i64::from(known == state));
        }
    }

    pub(crate) fn scrapes(&self) -> u64 {
        self.scrapes.get()
    }

    pub(crate) fn restarts(&self) -> u64 {
        self.restarts.get()
    }

    fn files(&self) -> &FileMetrics {
        let one = &[self.selector.as_str()];
        self.files.get_or_init(|| FileMetrics {
            duplicate_series: self.families.duplicate_series.with_label_values(one),
            conflicts: self.families.conflicts.with_label_values(one),
            missing_newlines: self.families.missing_newlines.with_label_values(one),
            watch_modes: Watching::ALL.map(|mode| {
                let labels = &[self.selector.as_str(), mode.as_str()];
                self.families.watch_mode.with_label_values(labels)
            }),
        })
    }

    fn up(&self) -> &IntGauge {
        let one = &[self.selector.as_str()];
        self.up
            .get_or_init(|| self.families.up.with_label_values(one))
    }
}

/// A count as a gauge takes it.
fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Drop for SelectorMetrics {
    fn drop(&mut self) {
        let one = &[self.selector.as_str()];
        let families = &self.families;
        // A series that was never made is an error here, and none to anybody.
        let _ = families.scrapes.remove_label_values(one);
        let _ = families.duration.remove_label_values(one);
        let _ = families.restarts.remove_label_values(one);
        let _ = families.up.remove_label_values(one);
        let _ = families.body_bytes.remove_label_values(one);
        let _ = families.last_success.remove_label_values(one);
        let _ = families.newest_sample.remove_label_values(one);
        let _ = families.file_mtime.remove_label_values(one);
        let _ = families.file_age.remove_label_values(one);
        let _ = families.duplicate_series.remove_label_values(one);
        let _ = families.conflicts.remove_label_values(one);
        let _ = families.missing_newlines.remove_label_values(one);
        self.forget_files(&self.file_labels());
        for mode in Watching::ALL {
            let labels = &[self.selector.as_str(), mode.as_str()];
            let _ = families.watch_mode.remove_label_values(labels);
        }
        for reason in Reason::ALL {
            let labels = &[self.selector.as_str(), reason.as_str()];
            let _ = families.failures.remove_label_values(labels);
        }
        for state in State::ALL {
            let labels = &[self.selector.as_str(), state.as_str()];
            let _ = families.state.remove_label_values(labels);
        }
    }
}
