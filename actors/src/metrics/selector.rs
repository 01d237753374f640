//! The handles of one selector: looked up at start, gone with it.
//!
//! Counting is a few atomic adds; series that say something of a source are
//! made when something is known of it. A selector that is replaced has two
//! actors for a while: both count in the same series, but only the newer one
//! says how things are, and the series go with the last of them.

use super::Metrics;
use crate::reason::Reason;
use crate::report::{CacheReport, State};
use prometheus::{Gauge, Histogram, IntCounter, IntGauge};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

/// The handles of one selector's actor; its series vanish when the last of them are given up.
#[derive(Debug)]
pub struct SelectorMetrics {
    scrapes: IntCounter,
    duration: Histogram,
    restarts: IntCounter,
    /// Made when the source was first read: before that, nothing is known of it.
    up: OnceLock<IntGauge>,
    /// Made when it first gave a whole answer.
    answered: OnceLock<AnsweredMetrics>,
    /// Made when files were looked at.
    files: OnceLock<FileMetrics>,
    families: Metrics,
    selector: String,
    /// Which of all handles of the selector these are.
    number: u64,
    described: Arc<Mutex<Described>>,
    given_up: AtomicBool,
}

/// The number of no handles: whoever describes a selector that is gone.
const NOBODY: u64 = 0;

/// The selectors that have handles.
pub(super) type DescribedByName = HashMap<String, Arc<Mutex<Described>>>;

/// What is said of a source.
#[derive(Debug, Default)]
pub(super) struct Described {
    /// Which handles say it: those made last.
    by: u64,
    /// How many handles there are.
    handles: usize,
    /// The files that have a series.
    files: HashSet<String>,
}

impl Metrics {
    /// The handles of one selector's next actor. What an actor before it has counted
    /// goes on; what that one said of its source is taken back.
    #[must_use]
    pub fn selector(&self, selector: &str) -> SelectorMetrics {
        let one = &[selector];
        let mut known = lock(&self.described);
        let described = Arc::clone(known.entry(selector.to_owned()).or_default());
        let number = {
            let mut described = lock(&described);
            self.forget_source(selector, &mut described);
            described.by += 1;
            described.handles += 1;
            described.by
        };
        SelectorMetrics {
            scrapes: self.scrapes.with_label_values(one),
            duration: self.duration.with_label_values(one),
            restarts: self.restarts.with_label_values(one),
            up: OnceLock::new(),
            answered: OnceLock::new(),
            files: OnceLock::new(),
            families: self.clone(),
            selector: selector.to_owned(),
            number,
            described,
            given_up: AtomicBool::new(false),
        }
    }

    /// Takes back what was said of a source. A series that was never made is an
    /// error to the registry, and none to anybody here.
    fn forget_source(&self, selector: &str, described: &mut Described) {
        let one = &[selector];
        let _ = self.up.remove_label_values(one);
        let _ = self.body_bytes.remove_label_values(one);
        let _ = self.last_success.remove_label_values(one);
        let _ = self.newest_sample.remove_label_values(one);
        let _ = self.file_mtime.remove_label_values(one);
        let _ = self.file_age.remove_label_values(one);
        let _ = self.duplicate_series.remove_label_values(one);
        let _ = self.conflicts.remove_label_values(one);
        self.watch_mode.remove(selector);
        self.forget_files(selector, &std::mem::take(&mut described.files));
    }

    fn forget_files(&self, selector: &str, files: &HashSet<String>) {
        for path in files {
            let _ = self.file_error.remove_label_values(&[selector, path]);
        }
    }

    /// Takes back everything else.
    fn forget_counts(&self, selector: &str) {
        let one = &[selector];
        let _ = self.scrapes.remove_label_values(one);
        let _ = self.duration.remove_label_values(one);
        let _ = self.restarts.remove_label_values(one);
        let _ = self.missing_newlines.remove_label_values(one);
        for reason in Reason::ALL {
            let labels = &[selector, reason.as_str()];
            let _ = self.failures.remove_label_values(labels);
        }
        self.state.remove(selector);
    }
}

/// A failed lock only means that a panic passed by; what it guards is whole all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        let Some(_describing) = self.describing() else {
            return;
        };
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
        if let Some(_describing) = self.describing() {
            self.up().set(0);
        }
    }

    /// The files of a cache were looked at.
    pub(crate) fn files_checked(&self, report: &CacheReport) {
        let Some(mut described) = self.describing() else {
            return;
        };
        let files = self.files();
        files.duplicate_series.set(whole(report.duplicate_series));
        files.conflicts.set(whole(report.conflicts.len()));
        let missing = u64::try_from(report.missing_final_newlines).unwrap_or(u64::MAX);
        files.missing_newlines.inc_by(missing);
        let mode = report.watching.as_str();
        self.families.watch_mode.set(&self.selector, mode);
        self.mark_files(report, &mut described.files);

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
        if let Some(_describing) = self.describing() {
            let one = &[self.selector.as_str()];
            self.families.file_age.with_label_values(one).set(seconds);
        }
    }

    /// One series a file, for as long as the file is there.
    fn mark_files(&self, report: &CacheReport, labels: &mut HashSet<String>) {
        let mut gone = std::mem::take(labels);
        for file in &report.files {
            let path = file.path.to_string_lossy().into_owned();
            let gauge = &self.families.file_error;
            let gauge = gauge.with_label_values(&[self.selector.as_str(), &path]);
            gauge.set(i64::from(file.error.is_some()));
            gone.remove(&path);
            labels.insert(path);
        }
        self.families.forget_files(&self.selector, &gone);
    }

    /// The right to say how things are, unless a newer actor has it.
    fn describing(&self) -> Option<MutexGuard<'_, Described>> {
        let described = lock(&self.described);
        (described.by == self.number).then_some(described)
    }

    pub(crate) fn restarted(&self) {
        self.restarts.inc();
    }

    pub(crate) fn entered(&self, state: State) {
        let Some(_describing) = self.describing() else {
            return;
        };
        self.families.state.set(&self.selector, state.as_str());
    }

    /// Whose they are.
    pub(crate) fn selector(&self) -> &str {
        &self.selector
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

impl SelectorMetrics {
    /// Gives up the handles: what is counted and said by them from now on is seen by
    /// nobody, unless there are others of this selector. For actors that may never end.
    pub(crate) fn give_up(&self) {
        if self.given_up.swap(true, Ordering::AcqRel) {
            return;
        }
        // Nobody is given handles meanwhile.
        let mut known = lock(&self.families.described);
        let mut described = lock(&self.described);
        described.handles -= 1;
        if described.handles == 0 {
            known.remove(&self.selector);
            described.by = NOBODY;
            self.families.forget_source(&self.selector, &mut described);
            self.families.forget_counts(&self.selector);
        }
    }
}

impl Drop for SelectorMetrics {
    fn drop(&mut self) {
        self.give_up();
    }
}
