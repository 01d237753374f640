//! Admission of connections: assigns slots and releases them.

use super::slot::ConnectionSlot;
use super::slot_context::SlotContext;
use super::slots::{ConnectionSlots, RESERVE};
use crate::limits::Limit;
use crate::metrics::ConnectionMetrics;
use local_exporter_config::ClientLimits;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All client connections.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(super) context: Arc<SlotContext>,
    slots: Mutex<ConnectionSlots>,
}

/// An admitted connection. Its slot is released on drop.
#[derive(Debug)]
pub(crate) struct Admission {
    connections: Arc<Connections>,
    slot: Arc<ConnectionSlot>,
}

impl Connections {
    /// Starts without any connection.
    #[must_use]
    pub(crate) fn new(limits: ClientLimits, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self {
            context: Arc::new(SlotContext::new(limits, metrics)),
            slots: Mutex::default(),
        })
    }

    /// Maximum number of connections, including reserved ones.
    #[must_use]
    pub(crate) fn most(&self) -> usize {
        self.context.max_connections + RESERVE
    }

    /// The current limits.
    #[must_use]
    pub(crate) fn limits(&self) -> ClientLimits {
        self.context.limits()
    }

    /// Replaces the limits, except `max_connections`, which is fixed at startup.
    pub(crate) fn set_limits(&self, limits: ClientLimits) {
        self.context.set_limits(limits);
    }

    /// Assigns a slot to a new connection, if one is free or a connection can be evicted.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Admission> {
        let mut slots = self.slots();
        let (most, max_connections) = (self.most(), self.context.max_connections);
        let now = self.context.now();
        if slots.len() >= max_connections {
            self.context.reached(Limit::MaxConnections);
        }
        let Some(priority) = slots.free_slot(max_connections, most, now) else {
            self.context.reached(Limit::Reserve);
            return None;
        };
        let context = Arc::clone(&self.context);
        let slot = slots.insert(
            |number| ConnectionSlot::new(number, priority, context, now),
            now,
        );
        self.context.metrics.open(slots.len());
        Some(Admission {
            connections: Arc::clone(self),
            slot,
        })
    }

    /// Makes multiplexed connections end as soon as they are idle. Others end after their
    /// current response, which is up to the HTTP/1.1 implementation.
    pub(crate) fn stop(&self) {
        self.context.stop();
        for slot in self.slots().iter() {
            slot.wake();
        }
    }

    /// Ignores poisoning: a panic leaves the table complete.
    pub(super) fn slots(&self) -> MutexGuard<'_, ConnectionSlots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// The assigned slot.
    #[must_use]
    pub(crate) fn slot(&self) -> &Arc<ConnectionSlot> {
        &self.slot
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.slot.set_ended();
        let mut slots = self.connections.slots();
        slots.remove(&self.slot);
        self.connections.context.metrics.open(slots.len());
    }
}
