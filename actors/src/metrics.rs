//! The exporter's own metrics about its selectors.
//!
//! [`Metrics`] registers the families once; [`SelectorMetrics`] holds the
//! handles of one selector, looked up at start, and removes its series when it
//! goes. No label takes a value from a request: names come from the
//! configuration, reasons and states are closed sets.

use crate::scrape::Reason;
use crate::status::{CacheReport, State};
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

/// Upper bounds of the scrape duration in seconds: from a cached file to the longest usual deadline.
const DURATION_BUCKETS: [f64; 12] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0,
];

/// The families, by selector.
#[derive(Clone, Debug)]
pub struct Metrics {
    scrapes: IntCounterVec,
    failures: IntCounterVec,
    duration: HistogramVec,
    up: IntGaugeVec,
    body_bytes: IntGaugeVec,
    last_success: GaugeVec,
    newest_sample: GaugeVec,
    file_mtime: GaugeVec,
    file_age: GaugeVec,
    file_error: IntGaugeVec,
    duplicate_series: IntGaugeVec,
    conflicts: IntGaugeVec,
    missing_newlines: IntCounterVec,
    restarts: IntCounterVec,
    state: IntGaugeVec,
}

impl Metrics {
    /// Registers the families.
    ///
    /// # Errors
    /// When the registry holds one of them already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        fn added<C: prometheus::core::Collector + Clone + 'static>(
            registry: &Registry,
            collector: prometheus::Result<C>,
        ) -> prometheus::Result<C> {
            let collector = collector?;
            registry.register(Box::new(collector.clone()))?;
            Ok(collector)
        }
        let name = |name: &str, help: &str| Opts::new(format!("local_exporter_{name}"), help);
        let counter = |opts, labels: &[&str]| added(registry, IntCounterVec::new(opts, labels));
        let int_gauge = |opts, labels: &[&str]| added(registry, IntGaugeVec::new(opts, labels));
        let gauge = |opts, labels: &[&str]| added(registry, GaugeVec::new(opts, labels));
        let duration = name(
            "bridge_scrape_duration_seconds",
            "Time from a request for a selector to its answer, failures included.",
        );
        let duration = HistogramOpts::from(duration).buckets(DURATION_BUCKETS.to_vec());
        Ok(Self {
            scrapes: counter(
                name("bridge_scrapes_total", "Scrapes of a selector."),
                &["selector"],
            )?,
            failures: counter(
                name(
                    "bridge_scrape_failures_total",
                    "Scrapes of a selector that failed, by reason.",
                ),
                &["selector", "reason"],
            )?,
            duration: added(registry, HistogramVec::new(duration, &["selector"]))?,
            up: int_gauge(
                name(
                    "source_up",
                    "Whether the source gave a whole answer when it was last read.",
                ),
                &["selector"],
            )?,
            body_bytes: int_gauge(
                name("source_body_bytes", "Size of the last whole answer."),
                &["selector"],
            )?,
            last_success: gauge(
                name(
                    "source_last_success_timestamp_seconds",
                    "When the source last gave a whole answer.",
                ),
                &["selector"],
            )?,
            newest_sample: gauge(
                name(
                    "source_newest_sample_timestamp_seconds",
                    "Newest timestamp on a sample of the last whole answer; absent without any.",
                ),
                &["selector"],
            )?,
            file_mtime: gauge(
                name(
                    "file_mtime_timestamp_seconds",
                    "Modification time of the oldest file that is served.",
                ),
                &["selector"],
            )?,
            file_age: gauge(
                name(
                    "file_age_seconds",
                    "Time since the oldest file that is served was modified.",
                ),
                &["selector"],
            )?,
            file_error: int_gauge(
                name("file_error", "Whether something is wrong with a file."),
                &["selector", "file"],
            )?,
            duplicate_series: int_gauge(
                name(
                    "file_duplicate_series",
                    "Series left out because an earlier file has them.",
                ),
                &["selector"],
            )?,
            conflicts: int_gauge(
                name(
                    "file_conflicts",
                    "Families and files left out because an earlier file says otherwise.",
                ),
                &["selector"],
            )?,
            missing_newlines: counter(
                name(
                    "file_missing_final_newlines_total",
                    "Versions of files that lacked their final newline, which was tolerated.",
                ),
                &["selector"],
            )?,
            restarts: counter(
                name(
                    "actor_restarts_total",
                    "Restarts of a selector's actor after it failed.",
                ),
                &["selector"],
            )?,
            state: int_gauge(
                name("actor_state", "1 for the state that the actor is in."),
                &["selector", "state"],
            )?,
        })
    }

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
            source: OnceLock::new(),
            files: OnceLock::new(),
            file_labels: Mutex::default(),
            families: self.clone(),
            selector: selector.to_owned(),
        }
    }
}

/// The handles of one selector; its series vanish when this is dropped.
#[derive(Debug)]
pub struct SelectorMetrics {
    scrapes: IntCounter,
    duration: Histogram,
    restarts: IntCounter,
    states: [IntGauge; State::ALL.len()],
    /// Made at the first answer of the source: before that, nothing is known of it.
    source: OnceLock<SourceMetrics>,
    /// Made when files were looked at.
    files: OnceLock<FileMetrics>,
    /// The files that have a series.
    file_labels: Mutex<HashSet<String>>,
    families: Metrics,
    selector: String,
}

#[derive(Debug)]
struct SourceMetrics {
    up: IntGauge,
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
        let source = self.source();
        source.up.set(1);
        source.body_bytes.set(whole(bytes));
        source.last_success.set(now);
        let one = &[self.selector.as_str()];
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
        self.source().up.set(0);
    }

    /// The files of a cache were looked at.
    pub(crate) fn files_checked(&self, report: &CacheReport) {
        let files = self.files();
        files.duplicate_series.set(whole(report.duplicate_series));
        files.conflicts.set(whole(report.conflicts.len()));
        let missing = u64::try_from(report.missing_final_newlines).unwrap_or(u64::MAX);
        files.missing_newlines.inc_by(missing);
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

    /// The oldest file that is served was modified `seconds` ago.
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
        })
    }

    fn source(&self) -> &SourceMetrics {
        let one = &[self.selector.as_str()];
        self.source.get_or_init(|| SourceMetrics {
            up: self.families.up.with_label_values(one),
            body_bytes: self.families.body_bytes.with_label_values(one),
            last_success: self.families.last_success.with_label_values(one),
        })
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
    use super::*;
    use crate::status::{FileReport, Watching};
    use std::time::Duration;

    fn series(registry: &Registry) -> String {
        prometheus::TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap()
    }

    #[test]
    fn unknown_is_absent_and_gone_is_gone() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        let one = metrics.selector("one");
        let two = metrics.selector("two");
        one.entered(State::Running);
        assert!(
            !series(&registry).contains("source_up"),
            "nothing was read yet"
        );

        one.source_answered(7, 12.5, Some(1500));
        let report = CacheReport {
            watching: Watching::Events,
            oldest: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(3)),
            files: vec![FileReport {
                path: "/run/a".into(),
                mtime: None,
                served: false,
                error: None,
            }],
            passed_over: Vec::new(),
            duplicate_series: 2,
            conflicts: vec!["a".into()],
            missing_final_newlines: 4,
        };
        one.files_checked(&report);
        one.scraped(0.1, Some(Reason::Absent));
        two.scraped(0.1, None);
        let text = series(&registry);
        for expected in [
            "local_exporter_source_up{selector=\"one\"} 1",
            "local_exporter_source_body_bytes{selector=\"one\"} 7",
            "local_exporter_source_last_success_timestamp_seconds{selector=\"one\"} 12.5",
            "local_exporter_source_newest_sample_timestamp_seconds{selector=\"one\"} 1.5",
            "local_exporter_file_mtime_timestamp_seconds{selector=\"one\"} 3",
            "local_exporter_file_error{file=\"/run/a\",selector=\"one\"} 0",
            "local_exporter_file_duplicate_series{selector=\"one\"} 2",
            "local_exporter_file_conflicts{selector=\"one\"} 1",
            "local_exporter_file_missing_final_newlines_total{selector=\"one\"} 4",
            "local_exporter_bridge_scrape_failures_total{reason=\"absent\",selector=\"one\"} 1",
            "local_exporter_actor_state{selector=\"one\",state=\"running\"} 1",
            "local_exporter_actor_state{selector=\"one\",state=\"resting\"} 0",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }

        one.source_answered(7, 12.5, None);
        one.files_checked(&CacheReport {
            oldest: None,
            files: Vec::new(),
            ..report
        });
        let text = series(&registry);
        for gone in ["newest_sample", "file_mtime", "file_error"] {
            assert!(!text.contains(gone), "{gone} is in\n{text}");
        }

        drop(one);
        let text = series(&registry);
        assert!(!text.contains("\"one\""), "{text}");
        assert!(text.contains("\"two\""), "{text}");
    }
}
