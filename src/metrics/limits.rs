//! The families about what clients may take of the process.

use crate::limits::Limit;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// The handles that connections need.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionMetrics {
    open: IntGauge,
    reached: IntCounterVec,
    handshake_failures: IntCounter,
    web_config: IntGauge,
}

impl ConnectionMetrics {
    /// Registers the families.
    ///
    /// # Errors
    /// When the registry holds one of them already.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let open = IntGauge::new(
            "local_exporter_http_connections",
            "Connections of clients that are open.",
        )?;
        let reached = IntCounterVec::new(
            Opts::new(
                "local_exporter_http_limit_reached_total",
                "How often clients met a limit, by limit.",
            ),
            &["limit"],
        )?;
        let handshake_failures = IntCounter::new(
            "local_exporter_http_tls_handshake_failures_total",
            "TLS handshakes that did not succeed.",
        )?;
        let web_config = IntGauge::new(
            "local_exporter_web_config_last_load_successful",
            "Whether the web configuration and its certificates could be used when they were last read.",
        )?;
        web_config.set(1);
        registry.register(Box::new(handshake_failures.clone()))?;
        registry.register(Box::new(web_config.clone()))?;
        registry.register(Box::new(open.clone()))?;
        registry.register(Box::new(reached.clone()))?;
        for limit in Limit::ALL {
            reached.with_label_values(&[limit.as_str()]);
        }
        Ok(Self {
            open,
            reached,
            handshake_failures,
            web_config,
        })
    }

    /// So many connections are open.
    pub(crate) fn open(&self, connections: usize) {
        self.open
            .set(i64::try_from(connections).unwrap_or(i64::MAX));
    }

    /// A TLS handshake did not succeed.
    pub(crate) fn handshake_failed(&self) {
        self.handshake_failures.inc();
    }

    /// The web configuration was read, and can be used or not.
    pub(crate) fn web_config(&self, usable: bool) {
        self.web_config.set(usable.into());
    }

    /// A limit was met.
    pub(crate) fn reached(&self, limit: Limit) {
        self.counter(limit).inc();
    }

    /// The counter of one limit, for whoever meets it often.
    #[must_use]
    pub(crate) fn counter(&self, limit: Limit) -> IntCounter {
        self.reached.with_label_values(&[limit.as_str()])
    }
}
