//! State that all connection slots share: limits, a clock, metrics and the shutdown flag.

use super::unread::UnreadBodies;
use crate::limits::Limit;
use crate::metrics::ConnectionMetrics;
use arc_swap::ArcSwap;
use local_exporter_config::ClientLimits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::{Duration, Instant};

/// State that all connection slots share.
#[derive(Debug)]
pub(super) struct SlotContext {
    limits: ArcSwap<ClientLimits>,
    /// Fixed at startup, because the server is sized for it.
    pub(super) max_connections: usize,
    pub(super) metrics: ConnectionMetrics,
    /// The bodies that clients have not read yet.
    pub(super) unread: UnreadBodies,
    /// Time zero of [`Self::now`].
    epoch: Instant,
    /// Set at shutdown.
    stopping: AtomicBool,
}

impl SlotContext {
    pub(super) fn new(limits: ClientLimits, metrics: ConnectionMetrics) -> Self {
        Self {
            max_connections: limits.max_connections,
            limits: ArcSwap::from_pointee(limits),
            unread: UnreadBodies::new(metrics.unread().clone()),
            metrics,
            epoch: Instant::now(),
            stopping: AtomicBool::new(false),
        }
    }

    /// The current limits.
    pub(super) fn limits(&self) -> ClientLimits {
        ClientLimits {
            max_connections: self.max_connections,
            ..**self.limits.load()
        }
    }

    /// Replaces the limits, except `max_connections`.
    pub(super) fn set_limits(&self, limits: ClientLimits) {
        self.limits.store(Arc::new(limits));
    }

    /// Milliseconds since startup.
    pub(super) fn now(&self) -> u64 {
        let millis = self.epoch.elapsed().as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX)
    }

    /// Converts milliseconds since startup.
    pub(super) fn instant(&self, millis: u64) -> Instant {
        self.epoch + Duration::from_millis(millis)
    }

    /// Counts that a client reached a limit.
    pub(super) fn reached(&self, limit: Limit) {
        self.metrics.reached(limit);
    }

    /// Makes multiplexed connections end as soon as they are idle.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
