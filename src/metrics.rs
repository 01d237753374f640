//! The exporter's own metrics.
//!
//! The families about selectors belong to the actors. This module has those about the process and
//! its requests, [`limits`] those about connections, and [`configuration`] those about reloads.

mod configuration;
mod limits;

pub(crate) use configuration::ConfigurationMetrics;
pub(crate) use limits::ConnectionMetrics;

use crate::limits::Rejection;
use local_exporter_actors::Metrics;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

/// The start time of the process, in seconds since 1970.
const START_TIME: &str = "process_start_time_seconds";

/// The registry, and the families that requests update.
#[derive(Debug)]
pub(crate) struct ExporterMetrics {
    registry: Registry,
    selectors: Metrics,
    rejected: IntCounterVec,
    connections: ConnectionMetrics,
    configuration: ConfigurationMetrics,
}

impl ExporterMetrics {
    /// Registers all families in a new registry.
    ///
    /// # Errors
    /// If two families have one name, which a test rules out.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        registry.register(Box::new(build_info()?))?;
        let rejected = IntCounterVec::new(
            Opts::new(
                "local_exporter_bridge_rejected_requests_total",
                "Rejected requests for /bridge, by reason.",
            ),
            &["reason"],
        )?;
        registry.register(Box::new(rejected.clone()))?;
        for rejection in Rejection::ALL {
            rejected.with_label_values(&[rejection.as_str()]);
        }
        let selectors = Metrics::register(&registry)?;
        let connections = ConnectionMetrics::register(&registry)?;
        let configuration = ConfigurationMetrics::register(&registry)?;
        Ok(Self {
            registry,
            selectors,
            rejected,
            connections,
            configuration,
        })
    }

    /// Registers a counter of the actors.
    ///
    /// # Errors
    /// If there is a family of its name, which a test rules out.
    pub(crate) fn add(&self, counter: &IntCounter) -> prometheus::Result<()> {
        self.registry.register(Box::new(counter.clone()))
    }

    /// The families about connections.
    #[must_use]
    pub(crate) fn connections(&self) -> &ConnectionMetrics {
        &self.connections
    }

    /// The families about the configuration.
    #[must_use]
    pub(crate) fn configuration(&self) -> &ConfigurationMetrics {
        &self.configuration
    }

    /// The families about selectors.
    #[must_use]
    pub(crate) fn selectors(&self) -> &Metrics {
        &self.selectors
    }

    /// Counts a rejected request for `/bridge`.
    pub(crate) fn rejected(&self, rejection: Rejection) {
        self.rejected.with_label_values(&[rejection.as_str()]).inc();
    }

    /// All metrics in the text format.
    ///
    /// # Errors
    /// If a family cannot be encoded, which would be a defect.
    pub(crate) fn text(&self) -> prometheus::Result<String> {
        let mut families = self.registry.gather();
        families.retain(is_known);
        TextEncoder::new().encode_to_string(&families)
    }
}

/// Whether the value of a family is known. The collector leaves the start time at 0 where `/proc`
/// has no `stat` (`ProcSubset=pid`), which would be an uptime since 1970.
fn is_known(family: &MetricFamily) -> bool {
    family.name() != START_TIME
        || family
            .get_metric()
            .iter()
            .any(|metric| metric.get_gauge().get_value() > 0.0)
}

/// A gauge with the value 1 and the version of the program as labels.
fn build_info() -> prometheus::Result<IntGaugeVec> {
    let labels = ["version", "revision", "rustcversion", "os", "arch"];
    let info = IntGaugeVec::new(
        Opts::new(
            "local_exporter_build_info",
            "A constant 1 with the version, revision and compiler of the program as labels.",
        ),
        &labels,
    )?;
    info.with_label_values(&[
        env!("CARGO_PKG_VERSION"),
        env!("LOCAL_EXPORTER_REVISION"),
        env!("LOCAL_EXPORTER_RUSTC"),
        std::env::consts::OS,
        std::env::consts::ARCH,
    ])
    .set(1);
    Ok(info)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use prometheus::IntGauge;

    #[test]
    fn a_start_time_that_is_unknown_is_absent() {
        let served = |start: i64| {
            let registry = Registry::new();
            let gauge = IntGauge::new(START_TIME, "It.").unwrap();
            let threads = IntGauge::new("process_threads", "It.").unwrap();
            gauge.set(start);
            registry.register(Box::new(gauge)).unwrap();
            registry.register(Box::new(threads)).unwrap();
            let metrics = ExporterMetrics {
                registry,
                ..ExporterMetrics::new().unwrap()
            };
            metrics.text().unwrap()
        };
        // Other metrics are served although they are 0.
        assert!(served(0).contains("process_threads 0"), "{}", served(0));
        assert!(!served(0).contains(START_TIME), "{}", served(0));
        assert!(served(1_700_000_000).contains("process_start_time_seconds 1700000000"));
    }
}
