//! The connection of one source to its bus: made on demand, and kept while it works.

use super::bus_error::BusError;
use super::{user, wire};
use crate::backoff::Backoff;
use crate::blocking::BlockingPool;
use crate::scrape::ScrapeError;
use crate::source::connect::{Connector, WaitingFor};
use local_exporter_config::Bus;
use std::cell::{Cell, RefCell};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use zbus::Connection;

/// The delays between attempts to connect. They are short because each attempt is caused by a
/// scrape: they only prevent a flood of scrapes from becoming a flood of connections.
const BUS_BACKOFF: Backoff = Backoff::new(
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(60),
);

/// The link to a bus.
#[derive(Debug)]
pub(super) struct Link {
    bus: Bus,
    auth_uid: Option<u32>,
    /// The largest body of a reply that is accepted.
    max_bytes: usize,
    connector: Connector,
    /// The connection of the last call, unless a call uses it or has broken it.
    kept: RefCell<Option<Connection>>,
    backoff: RefCell<Backoff>,
    not_before: Cell<Option<Instant>>,
}

/// Whether a connection was used before, so that it may be dead.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    New,
    Reused,
}

impl Link {
    pub(super) fn new(
        bus: Bus,
        auth_uid: Option<u32>,
        max_bytes: usize,
        blocking: BlockingPool,
    ) -> Self {
        Self {
            bus,
            auth_uid,
            max_bytes,
            connector: Connector::new(blocking),
            kept: RefCell::new(None),
            backoff: RefCell::new(BUS_BACKOFF),
            not_before: Cell::new(None),
        }
    }

    /// The kept connection if it is open, otherwise a new one. The caller owns it until it calls
    /// [`Link::keep`].
    ///
    /// # Errors
    /// If the bus cannot be reached.
    pub(super) async fn connect(&self) -> Result<(Connection, Age), ScrapeError> {
        let kept = self.kept.borrow_mut().take();
        if let Some(connection) = kept.filter(|connection| !connection.is_closed()) {
            return Ok((connection, Age::Reused));
        }
        if let Some(not_before) = self.not_before.get() {
            sleep_until(not_before).await;
        }
        let built = self.build().await;
        let mut backoff = self.backoff.borrow_mut();
        match built {
            Ok(connection) => {
                backoff.reset();
                self.not_before.set(None);
                Ok((connection, Age::New))
            }
            Err(error) => {
                let delay = backoff.next_delay(Duration::ZERO, fastrand::f64());
                self.not_before.set(Some(Instant::now() + delay));
                Err(error.into_scrape_error(&self.bus))
            }
        }
    }

    /// Keeps a connection for the next call.
    pub(super) fn keep(&self, connection: Connection) {
        *self.kept.borrow_mut() = Some(connection);
    }

    pub(super) fn waiting_for(&self) -> WaitingFor {
        self.connector.waiting_for()
    }

    async fn build(&self) -> Result<Connection, BusError> {
        let builder = wire::connect(&self.bus, &self.connector, self.max_bytes).await?;
        let builder = match user::uid_to_claim(self.auth_uid) {
            Some(uid) => builder.user_id(uid),
            None => builder,
        };
        Ok(builder.build().await?)
    }
}
