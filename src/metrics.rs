//! `/metrics`: the exporter about itself.
//!
//! Reads the registry and may not message an actor, so it answers while one is
//! stuck. The families about selectors are the actors' own; here stand those
//! about the process and its requests, in `limits` those about what clients
//! may take, in `configuration` those about the one that runs.

mod configuration;
mod limits;

pub(crate) use configuration::ConfigurationMetrics;
pub(crate) use limits::ConnectionMetrics;

use crate::limits::Rejection;
use local_exporter_actors::Metrics;
use prometheus::process_collector::ProcessCollector;
use prometheus::{IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

/// The registry and the handles that requests need.
#[derive(Debug)]
pub(crate) struct ExporterMetrics {
    registry: Registry,
    selectors: Metrics,
    rejected: IntCounterVec,
    connections: ConnectionMetrics,
    configuration: ConfigurationMetrics,
}

impl ExporterMetrics {
    /// A registry of its own, with all families in it.
    ///
    /// # Errors
    /// When two families clash, which a test rules out.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        registry.register(Box::new(build_info()?))?;
        let rejected = IntCounterVec::new(
            Opts::new(
                "local_exporter_bridge_rejected_requests_total",
                "Requests for the bridge that could not become a scrape, by reason.",
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

    /// Shows a counter of the actors as well.
    ///
    /// # Errors
    /// When there is a family of its name, which a test rules out.
    pub(crate) fn add(&self, counter: &IntCounter) -> prometheus::Result<()> {
        self.registry.register(Box::new(counter.clone()))
    }

    /// The families about clients.
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

    /// Counts a request that could not become a scrape.
    pub(crate) fn rejected(&self, rejection: Rejection) {
        self.rejected.with_label_values(&[rejection.as_str()]).inc();
    }

    /// All of it as text.
    ///
    /// # Errors
    /// When a family cannot be written, which would be a defect.
    pub(crate) fn text(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// 1, with what the program is as labels.
fn build_info() -> prometheus::Result<IntGaugeVec> {
    let labels = ["version", "revision", "rustcversion", "os", "arch"];
    let info = IntGaugeVec::new(
        Opts::new(
            "local_exporter_build_info",
            "1, with what the running program was built from as labels.",
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
