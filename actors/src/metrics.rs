//! The exporter's own metrics about its selectors.
//!
//! [`Metrics`] registers the families once; [`SelectorMetrics`] holds the
//! handles of one selector, looked up at start, and removes its series when it
//! goes. No label takes a value from a request: names come from the
//! configuration, reasons and states are closed sets.

use crate::scrape::Reason;
use crate::status::State;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};
use std::sync::OnceLock;

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
    file_mtime: GaugeVec,
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
            file_mtime: gauge(
                name(
                    "file_mtime_timestamp_seconds",
                    "Modification time of the oldest file that is served.",
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
            file_mtime: OnceLock::new(),
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
    /// Made when a first file was read.
    file_mtime: OnceLock<Gauge>,
    families: Metrics,
    selector: String,
}

#[derive(Debug)]
struct SourceMetrics {
    up: IntGauge,
    body_bytes: IntGauge,
    last_success: Gauge,
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

    /// The source gave a whole answer of `bytes`, at `now` in seconds since the epoch.
    pub(crate) fn source_answered(&self, bytes: usize, now: f64) {
        let source = self.source();
        source.up.set(1);
        source
            .body_bytes
            .set(i64::try_from(bytes).unwrap_or(i64::MAX));
        source.last_success.set(now);
    }

    pub(crate) fn source_failed(&self) {
        self.source().up.set(0);
    }

    /// The oldest file that is served was modified at `seconds` since the epoch.
    pub(crate) fn file_modified(&self, seconds: f64) {
        let gauge = || {
            self.families
                .file_mtime
                .with_label_values(&[&self.selector])
        };
        self.file_mtime.get_or_init(gauge).set(seconds);
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

    fn source(&self) -> &SourceMetrics {
        let one = &[self.selector.as_str()];
        self.source.get_or_init(|| SourceMetrics {
            up: self.families.up.with_label_values(one),
            body_bytes: self.families.body_bytes.with_label_values(one),
            last_success: self.families.last_success.with_label_values(one),
        })
    }
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
        let _ = families.file_mtime.remove_label_values(one);
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

        one.source_answered(7, 12.5);
        one.file_modified(3.0);
        one.scraped(0.1, Some(Reason::Absent));
        two.scraped(0.1, None);
        let text = series(&registry);
        for expected in [
            "local_exporter_source_up{selector=\"one\"} 1",
            "local_exporter_source_body_bytes{selector=\"one\"} 7",
            "local_exporter_source_last_success_timestamp_seconds{selector=\"one\"} 12.5",
            "local_exporter_file_mtime_timestamp_seconds{selector=\"one\"} 3",
            "local_exporter_bridge_scrape_failures_total{reason=\"absent\",selector=\"one\"} 1",
            "local_exporter_actor_state{selector=\"one\",state=\"running\"} 1",
            "local_exporter_actor_state{selector=\"one\",state=\"resting\"} 0",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }

        drop(one);
        let text = series(&registry);
        assert!(!text.contains("\"one\""), "{text}");
        assert!(text.contains("\"two\""), "{text}");
    }
}
