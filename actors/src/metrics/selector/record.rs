//! Recording of what an actor does and what its source returns.

use super::{BodyMetrics, FileMetrics, SelectorMetrics};
use crate::metrics::families::{Families, remove, remove_files};
use crate::reason::Reason;
use crate::report::{CacheReport, FileReport, State};
use local_exporter_config::shown;
use prometheus::IntGauge;
use std::collections::HashSet;
use std::time::SystemTime;

impl SelectorMetrics {
    /// Counts a scrape that took `seconds`.
    pub(crate) fn scraped(&self, seconds: f64, failure: Option<Reason>) {
        self.scrapes.inc();
        self.duration.observe(seconds);
        if let Some(reason) = failure {
            let labels = &[self.selector.as_str(), reason.as_str()];
            let failures = &self.families().counts.failures;
            failures.with_label_values(labels).inc();
        }
    }

    /// The source returned a valid body of `bytes` at `now` (seconds since the epoch), with
    /// `newest` as the newest timestamp of a sample (milliseconds since the epoch).
    pub(crate) fn source_succeeded(&self, bytes: usize, now: f64, newest: Option<i64>) {
        let Some(_current) = self.current() else {
            return;
        };
        let source = self.source();
        self.up().set(1);
        let one = &[self.selector.as_str()];
        let body = self.body.get_or_init(|| BodyMetrics {
            bytes: source.body_bytes.with_label_values(one),
            last_success: source.last_success.with_label_values(one),
        });
        body.bytes.set(gauge_value(bytes));
        body.last_success.set(now);
        match newest {
            #[expect(
                clippy::cast_precision_loss,
                reason = "exact for the next 285,000 years"
            )]
            Some(newest) => {
                let gauge = source.newest_sample.with_label_values(one);
                gauge.set(newest as f64 / 1000.0);
            }
            None => remove(&source.newest_sample, &self.selector),
        }
    }

    pub(crate) fn source_failed(&self) {
        if let Some(_current) = self.current() {
            self.up().set(0);
        }
    }

    /// The files of a cache were examined.
    pub(crate) fn files_checked(&self, report: &CacheReport) {
        let files = report.files.iter();
        let described = files.map(|file| FileSeries::new(file, report.file_metrics));
        let described: Vec<_> = described.collect();
        let Some(mut series) = self.current() else {
            return;
        };
        let source = self.source();
        let files = self.files();
        files
            .duplicate_series
            .set(gauge_value(report.duplicate_series));
        files.conflicts.set(gauge_value(report.conflicts.len()));
        let missing = u64::try_from(report.missing_final_newlines).unwrap_or(u64::MAX);
        files.missing_newlines.inc_by(missing);
        let mode = report.watching.as_str();
        source.watch_mode.set(&self.selector, mode);
        self.describe_files(described, &mut series.files);

        let Some(oldest) = report.oldest else {
            remove(&source.file_mtime, &self.selector);
            remove(&source.file_age, &self.selector);
            return;
        };
        let gauge = source.file_mtime.with_label_values(&[&self.selector]);
        gauge.set(since_epoch(oldest));
    }

    /// The oldest file was modified `seconds` ago.
    pub(crate) fn file_aged(&self, seconds: f64) {
        if let Some(_current) = self.current() {
            let gauge = self.source().file_age.with_label_values(&[&self.selector]);
            gauge.set(seconds);
        }
    }

    /// Sets the series of each file, and removes those of files that are gone.
    fn describe_files(&self, described: Vec<FileSeries>, paths: &mut HashSet<String>) {
        let source = self.source();
        let mut removed = std::mem::take(paths);
        for file in described {
            let labels = &[self.selector.as_str(), &file.path];
            let gauge = source.file_error.with_label_values(labels);
            gauge.set(i64::from(file.has_error));
            match file.modified {
                Some(modified) => {
                    let gauge = source.file_modified.with_label_values(labels);
                    gauge.set(modified);
                }
                None => {
                    let _ = source.file_modified.remove_label_values(labels);
                }
            }
            removed.remove(&file.path);
            paths.insert(file.path);
        }
        remove_files(&source.file_error, &self.selector, &removed);
        remove_files(&source.file_modified, &self.selector, &removed);
    }

    pub(crate) fn restarted(&self) {
        self.restarts.inc();
    }

    pub(crate) fn entered(&self, state: State) {
        if let Some(_current) = self.current() {
            let states = &self.families().counts.state;
            states.set(&self.selector, state.as_str());
        }
    }

    pub(crate) fn scrapes(&self) -> u64 {
        self.scrapes.get()
    }

    pub(crate) fn restarts(&self) -> u64 {
        self.restarts.get()
    }

    fn files(&self) -> &FileMetrics {
        let Families { source, counts } = self.families();
        let one = &[self.selector.as_str()];
        self.files.get_or_init(|| FileMetrics {
            duplicate_series: source.duplicate_series.with_label_values(one),
            conflicts: source.conflicts.with_label_values(one),
            missing_newlines: counts.missing_newlines.with_label_values(one),
        })
    }

    fn up(&self) -> &IntGauge {
        let one = &[self.selector.as_str()];
        self.up
            .get_or_init(|| self.source().up.with_label_values(one))
    }
}

/// What the series of one file say.
struct FileSeries {
    path: String,
    has_error: bool,
    /// In seconds since the epoch.
    modified: Option<f64>,
}

impl FileSeries {
    fn new(file: &FileReport, with_time: bool) -> Self {
        Self {
            path: shown(&file.path).to_string(),
            has_error: file.error.is_some(),
            modified: file.mtime.filter(|_| with_time).map(since_epoch),
        }
    }
}

/// A time in seconds since the epoch; zero if it is before.
fn since_epoch(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

/// A count as the value of a gauge.
fn gauge_value(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
