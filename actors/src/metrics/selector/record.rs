//! Recording of what an actor does and what its source returns.

use super::{BodyMetrics, FileMetrics, SelectorMetrics};
use crate::metrics::families::{Families, remove, remove_files};
use crate::reason::Reason;
use crate::report::{CacheReport, State};
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
        let errors = report.files.iter().map(|file| {
            let path = shown(&file.path).to_string();
            (path, file.error.is_some())
        });
        let errors: Vec<_> = errors.collect();
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
        self.set_file_errors(errors, &mut series.files);

        let Some(oldest) = report.oldest else {
            remove(&source.file_mtime, &self.selector);
            remove(&source.file_age, &self.selector);
            return;
        };
        // A modification time before the epoch is reported as zero.
        let mtime = oldest
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let gauge = source.file_mtime.with_label_values(&[&self.selector]);
        gauge.set(mtime.as_secs_f64());
    }

    /// The oldest file was modified `seconds` ago.
    pub(crate) fn file_aged(&self, seconds: f64) {
        if let Some(_current) = self.current() {
            let gauge = self.source().file_age.with_label_values(&[&self.selector]);
            gauge.set(seconds);
        }
    }

    /// Sets one series for each file, and removes those of files that are gone.
    fn set_file_errors(&self, errors: Vec<(String, bool)>, paths: &mut HashSet<String>) {
        let source = self.source();
        let mut removed = std::mem::take(paths);
        for (path, has_error) in errors {
            let labels = &[self.selector.as_str(), &path];
            let gauge = source.file_error.with_label_values(labels);
            gauge.set(i64::from(has_error));
            removed.remove(&path);
            paths.insert(path);
        }
        remove_files(&source.file_error, &self.selector, &removed);
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

/// A count as the value of a gauge.
fn gauge_value(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
