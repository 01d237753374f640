//! The families about connections and the limits on clients.

use crate::limits::Limit;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// The families that connections update.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionMetrics {
    open: IntGauge,
    unread: IntGauge,
    reached: IntCounterVec,
    handshake_failures: IntCounter,
    web_config: IntGauge,
}

impl ConnectionMetrics {
    /// Registers the families.
    ///
    /// # Errors
    /// If the registry already has one of them.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let open = IntGauge::new(
            "local_exporter_http_connections",
            "Open connections of clients.",
        )?;
        let unread = IntGauge::new(
            "local_exporter_http_unread_bytes",
            "Size of the bodies that clients have not read completely.",
        )?;
        let reached = IntCounterVec::new(
            Opts::new(
                "local_exporter_http_limit_reached_total",
                "Number of times that clients reached a limit, by limit.",
            ),
            &["limit"],
        )?;
        let handshake_failures = IntCounter::new(
            "local_exporter_http_tls_handshake_failures_total",
            "Failed TLS handshakes.",
        )?;
        let web_config = IntGauge::new(
            "local_exporter_web_config_last_load_successful",
            "Whether the web configuration and its certificates were valid when they were last read.",
        )?;
        web_config.set(1);
        registry.register(Box::new(handshake_failures.clone()))?;
        registry.register(Box::new(web_config.clone()))?;
        registry.register(Box::new(open.clone()))?;
        registry.register(Box::new(unread.clone()))?;
        registry.register(Box::new(reached.clone()))?;
        for limit in Limit::ALL {
            reached.with_label_values(&[limit.as_str()]);
        }
        Ok(Self {
            open,
            unread,
            reached,
            handshake_failures,
            web_config,
        })
    }

    /// Sets the number of open connections.
    pub(crate) fn open(&self, connections: usize) {
        self.open
            .set(i64::try_from(connections).unwrap_or(i64::MAX));
    }

    /// The size of the bodies that clients have not read.
    #[must_use]
    pub(crate) fn unread(&self) -> &IntGauge {
        &self.unread
    }

    /// Counts a failed TLS handshake.
    pub(crate) fn handshake_failed(&self) {
        self.handshake_failures.inc();
    }

    /// Records whether the web configuration is valid.
    pub(crate) fn web_config(&self, usable: bool) {
        self.web_config.set(usable.into());
    }

    /// Counts that a limit was reached.
    pub(crate) fn reached(&self, limit: Limit) {
        self.counter(limit).inc();
    }

    /// The counter of one limit.
    #[must_use]
    pub(crate) fn counter(&self, limit: Limit) -> IntCounter {
        self.reached.with_label_values(&[limit.as_str()])
    }
}
