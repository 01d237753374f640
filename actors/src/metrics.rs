//! The exporter's own metrics about its selectors.
//!
//! [`Metrics`] registers the families once; [`SelectorMetrics`] holds the
//! handles of one selector, looked up at start, and removes its series when it
//! goes. No label takes a value from a request: names come from the
//! configuration, reasons and states are closed sets.

mod selector;
mod state_set;

pub use selector::SelectorMetrics;

use crate::report::{State, Watching};
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};
use selector::DescribedByName;
use state_set::StateSet;
use std::sync::{Arc, Mutex};

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
    watch_mode: StateSet,
    restarts: IntCounterVec,
    state: StateSet,
    /// The selectors that have handles, and what is said of each.
    described: Arc<Mutex<DescribedByName>>,
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
                    "Modification time of the oldest file.",
                ),
                &["selector"],
            )?,
            file_age: gauge(
                name(
                    "file_age_seconds",
                    "Time since the oldest file was modified.",
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
            watch_mode: added(
                registry,
                StateSet::new(
                    "local_exporter_file_watch_mode",
                    "1 for the way in which changes of files are noticed.",
                    "mode",
                    Watching::ALL.map(Watching::as_str),
                ),
            )?,
            restarts: counter(
                name(
                    "actor_restarts_total",
                    "Restarts of a selector's actor after it failed.",
                ),
                &["selector"],
            )?,
            state: added(
                registry,
                StateSet::new(
                    "local_exporter_actor_state",
                    "1 for the state that the actor is in.",
                    "state",
                    State::ALL.map(State::as_str),
                ),
            )?,
            described: Arc::default(),
        })
    }
}

#[cfg(test)]
mod tests;
