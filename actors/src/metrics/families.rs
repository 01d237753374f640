//! The metric families about selectors, and the removal of a selector's series.
//!
//! Removal destructures the families, so a new family that is not removed does not compile.

use super::description::Registrar;
use super::state_set::StateSet;
use crate::reason::Reason;
use crate::report::{State, WatchMode};
use prometheus::core::{MetricVec, MetricVecBuilder};
use prometheus::{GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec};
use std::collections::HashSet;

/// Upper bounds of the scrape duration in seconds: from a cached file to the longest usual timeout.
const DURATION_BUCKETS: [f64; 12] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0,
];

const SELECTOR: &[&str] = &["selector"];

/// All families, by the lifetime of their series.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) source: SourceFamilies,
    pub(super) counts: CountFamilies,
}

/// Families that describe the source of the current actor: a new actor starts without them.
#[derive(Debug)]
pub(super) struct SourceFamilies {
    pub(super) up: IntGaugeVec,
    pub(super) body_bytes: IntGaugeVec,
    pub(super) last_success: GaugeVec,
    pub(super) newest_sample: GaugeVec,
    pub(super) file_mtime: GaugeVec,
    pub(super) file_age: GaugeVec,
    pub(super) file_modified: GaugeVec,
    pub(super) file_error: IntGaugeVec,
    pub(super) duplicate_series: IntGaugeVec,
    pub(super) conflicts: IntGaugeVec,
    pub(super) watch_mode: StateSet,
}

/// Families that continue across actors of the same selector.
#[derive(Debug)]
pub(super) struct CountFamilies {
    pub(super) scrapes: IntCounterVec,
    pub(super) failures: IntCounterVec,
    pub(super) duration: HistogramVec,
    pub(super) missing_newlines: IntCounterVec,
    pub(super) restarts: IntCounterVec,
    pub(super) state: StateSet,
}

impl Families {
    pub(super) fn register(registrar: &mut Registrar<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            counts: CountFamilies::register(registrar)?,
            source: SourceFamilies::register(registrar)?,
        })
    }
}

impl SourceFamilies {
    fn register(registrar: &mut Registrar<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            up: registrar.int_gauge(
                "source_up",
                "Whether the last read of the source returned a valid body.",
                SELECTOR,
            )?,
            body_bytes: registrar.int_gauge(
                "source_body_bytes",
                "Size of the last valid body.",
                SELECTOR,
            )?,
            last_success: registrar.gauge(
                "source_last_success_timestamp_seconds",
                "Time at which the source last returned a valid body.",
                SELECTOR,
            )?,
            newest_sample: registrar.gauge(
                "source_newest_sample_timestamp_seconds",
                "Newest timestamp of a sample in the last valid body; absent if there is none.",
                SELECTOR,
            )?,
            file_mtime: registrar.gauge(
                "file_mtime_timestamp_seconds",
                "Modification time of the oldest file.",
                SELECTOR,
            )?,
            file_age: registrar.gauge(
                "file_age_seconds",
                "Time since the oldest file was modified.",
                SELECTOR,
            )?,
            file_modified: registrar.gauge(
                "file_modified_timestamp_seconds",
                "Modification time of the file, for selectors with file_metrics.",
                &["selector", "file"],
            )?,
            file_error: registrar.int_gauge(
                "file_error",
                "Whether the file has an error.",
                &["selector", "file"],
            )?,
            duplicate_series: registrar.int_gauge(
                "file_duplicate_series",
                "Series left out because an earlier file has them.",
                SELECTOR,
            )?,
            conflicts: registrar.int_gauge(
                "file_conflicts",
                "Families and files left out because they contradict an earlier file.",
                SELECTOR,
            )?,
            watch_mode: registrar.state_set(
                "file_watch_mode",
                "1 for the way in which changes of files are detected.",
                "mode",
                WatchMode::ALL.map(WatchMode::as_str),
            )?,
        })
    }

    /// Removes the series of a selector; `files` are the paths that have a series.
    pub(super) fn remove(&self, selector: &str, files: &HashSet<String>) {
        let Self {
            up,
            body_bytes,
            last_success,
            newest_sample,
            file_mtime,
            file_age,
            file_modified,
            file_error,
            duplicate_series,
            conflicts,
            watch_mode,
        } = self;
        remove(up, selector);
        remove(body_bytes, selector);
        remove(last_success, selector);
        remove(newest_sample, selector);
        remove(file_mtime, selector);
        remove(file_age, selector);
        remove_files(file_modified, selector, files);
        remove_files(file_error, selector, files);
        remove(duplicate_series, selector);
        remove(conflicts, selector);
        watch_mode.remove(selector);
    }
}

impl CountFamilies {
    fn register(registrar: &mut Registrar<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            scrapes: registrar.counter(
                "bridge_scrapes_total",
                "Scrapes of a selector.",
                SELECTOR,
            )?,
            failures: registrar.counter(
                "bridge_scrape_failures_total",
                "Failed scrapes of a selector, by reason.",
                &["selector", "reason"],
            )?,
            duration: registrar.histogram(
                "bridge_scrape_duration_seconds",
                "Time from the request for a selector to the response, including failures.",
                SELECTOR,
                &DURATION_BUCKETS,
            )?,
            missing_newlines: registrar.counter(
                "file_missing_final_newlines_total",
                "Versions of files without a final newline, which was tolerated.",
                SELECTOR,
            )?,
            restarts: registrar.counter(
                "actor_restarts_total",
                "Restarts of a selector's actor after a failure.",
                SELECTOR,
            )?,
            state: registrar.state_set(
                "actor_state",
                "1 for the current state of the actor.",
                "state",
                State::ALL.map(State::as_str),
            )?,
        })
    }

    /// Removes the series of a selector.
    pub(super) fn remove(&self, selector: &str) {
        let Self {
            scrapes,
            failures,
            duration,
            missing_newlines,
            restarts,
            state,
        } = self;
        remove(scrapes, selector);
        for reason in Reason::ALL {
            let _ = failures.remove_label_values(&[selector, reason.as_str()]);
        }
        remove(duration, selector);
        remove(missing_newlines, selector);
        remove(restarts, selector);
        state.remove(selector);
    }
}

/// Removes the one series of a selector. It is no error if it was never created.
pub(super) fn remove<B: MetricVecBuilder>(family: &MetricVec<B>, selector: &str) {
    let _ = family.remove_label_values(&[selector]);
}

/// Removes the series of a selector's files. It is no error if one was never created.
pub(super) fn remove_files<B: MetricVecBuilder>(
    family: &MetricVec<B>,
    selector: &str,
    files: &HashSet<String>,
) {
    for path in files {
        let _ = family.remove_label_values(&[selector, path]);
    }
}
