//! The connection of one source to its bus: made on demand, and kept while it works.
//!
//! If many sources use the bus, they share connections. A source whose call did not end, or whose reply was too large,
//! gets a connection of its own for its next call, so that unanswered calls do not accumulate on a shared one.

use super::by_bus::Use;
use super::connection_permits::{
    ConnectionPermits, OWN, PermittedConnection, SharedConnections, Slot,
};
use super::wire;
use crate::backoff::Backoff;
use crate::scrape::ScrapeError;
use crate::source::connect::Connector;
use crate::source::kind::SourceContext;
use local_exporter_config::DbusSource;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use zbus::Connection;

/// The delays between attempts to connect. They are short because each attempt is caused by a
/// scrape: they only prevent that every scrape causes an attempt.
const BUS_BACKOFF: Backoff = Backoff::new(
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(60),
);

/// The link to a bus.
#[derive(Debug)]
pub(super) struct Link {
    spec: DbusSource,
    /// The largest body of a reply that is accepted.
    max_bytes: usize,
    connector: Connector,
    permits: Use<ConnectionPermits>,
    _thread: Use<SharedConnections>,
    slot: Slot,
    /// The own connection of the last call, unless a call uses it or has broken it.
    kept: RefCell<Option<Arc<PermittedConnection>>>,
    /// The last call on a shared connection did not end, or its reply was too large.
    apart: Cell<bool>,
    awaits_permit: Cell<bool>,
    backoff: RefCell<Backoff>,
    not_before: Cell<Option<Instant>>,
}

/// Whether a connection was used before, so that it may be dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    New,
    Reused,
}

/// Whether other sources use a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    Own,
    Shared,
}

/// A connection for one call. Dropping it, because the call did not end or failed, drops an own connection, and stops
/// sharing a shared one.
#[derive(Debug)]
pub(super) struct Lease<'l> {
    link: &'l Link,
    permitted: Arc<PermittedConnection>,
    pub(super) age: Age,
    pub(super) sharing: Sharing,
    answered: bool,
}

impl Link {
    pub(super) fn new(spec: &DbusSource, max_bytes: usize, context: &SourceContext) -> Self {
        let permits = Use::<ConnectionPermits>::begin(context.shared.get(), &spec.bus);
        permits.accept(max_bytes);
        let thread = Use::<SharedConnections>::begin(context.shared_by_thread.get(), &spec.bus);
        Self {
            spec: spec.clone(),
            max_bytes,
            connector: Connector::new(context.blocking.clone()),
            permits,
            slot: thread.slot(),
            _thread: thread,
            kept: RefCell::new(None),
            apart: Cell::new(false),
            awaits_permit: Cell::new(false),
            backoff: RefCell::new(BUS_BACKOFF),
            not_before: Cell::new(None),
        }
    }

    /// An open connection: the kept or the shared one, otherwise a new one. If its call was
    /// answered, the caller must call [`Lease::answered`].
    ///
    /// # Errors
    /// If the bus cannot be reached.
    pub(super) async fn connect(&self) -> Result<Lease<'_>, ScrapeError> {
        let kept = self.kept.borrow_mut().take();
        if self.permits.users() > OWN && !self.apart.get() {
            drop(kept);
            return self.share().await;
        }
        if let Some(permitted) = kept.filter(|permitted| permitted.is_open()) {
            return Ok(self.lease(permitted, Age::Reused, Sharing::Own));
        }
        let permitted = self.open(Sharing::Own).await?;
        Ok(self.lease(permitted, Age::New, Sharing::Own))
    }

    async fn share(&self) -> Result<Lease<'_>, ScrapeError> {
        let mut shared = self.slot.0.lock().await;
        if let Some(permitted) = shared.as_ref().filter(|permitted| permitted.is_open()) {
            return Ok(self.lease(Arc::clone(permitted), Age::Reused, Sharing::Shared));
        }
        // Frees its permit first.
        *shared = None;
        let permitted = self.open(Sharing::Shared).await?;
        *shared = Some(Arc::clone(&permitted));
        Ok(self.lease(permitted, Age::New, Sharing::Shared))
    }

    fn lease(&self, permitted: Arc<PermittedConnection>, age: Age, sharing: Sharing) -> Lease<'_> {
        Lease {
            link: self,
            permitted,
            age,
            sharing,
            answered: false,
        }
    }

    /// Waits for a permit, and connects.
    async fn open(&self, sharing: Sharing) -> Result<Arc<PermittedConnection>, ScrapeError> {
        if let Some(not_before) = self.not_before.get() {
            sleep_until(not_before).await;
        }
        self.awaits_permit.set(true);
        let (permits, max_bytes) = match sharing {
            Sharing::Own => (self.permits.own().await, self.max_bytes),
            Sharing::Shared => (self.permits.shared().await, self.permits.largest_reply()),
        };
        self.awaits_permit.set(false);
        let built = wire::connect(&self.spec, &self.connector, max_bytes).await;
        let mut backoff = self.backoff.borrow_mut();
        match built {
            Ok(connection) => {
                backoff.reset();
                self.not_before.set(None);
                Ok(PermittedConnection::new(connection, permits))
            }
            Err(error) => {
                let delay = backoff.next_delay(Duration::ZERO, fastrand::f64());
                self.not_before.set(Some(Instant::now() + delay));
                Err(error.into_scrape_error(&self.spec.bus))
            }
        }
    }

    /// What connecting waits for, as the end of the message of a timeout.
    pub(super) fn waiting_for(&self) -> &'static str {
        if self.awaits_permit.get() {
            return "; all connections that the exporter opens to one bus are in use by calls that do not end";
        }
        let words = self.connector.waiting_for().words();
        words.unwrap_or("; the bus did not accept the connection; it hangs")
    }
}

impl Lease<'_> {
    pub(super) fn connection(&self) -> &Connection {
        &self.permitted.connection
    }

    /// The call was answered: the connection is used again. A source that was apart shares connections again.
    pub(super) fn answered(mut self) {
        self.answered = true;
        if self.sharing == Sharing::Own && !self.link.apart.replace(false) {
            *self.link.kept.borrow_mut() = Some(Arc::clone(&self.permitted));
        }
    }

    /// The connection broke, which may be due to another source.
    pub(super) fn broken(mut self) {
        self.answered = true;
        self.link.slot.retire(&self.permitted);
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if self.sharing == Sharing::Shared && !self.answered {
            self.link.apart.set(true);
            self.link.slot.retire(&self.permitted);
        }
    }
}
