//! The prombus service as one connection: connects, serves the object, owns and releases the name.
//!
//! Guarantees: the name is owned when `start` returns; neither starting nor stopping waits for a
//! hanging bus beyond its limit. It runs on the caller's tokio runtime and does not reconnect: the
//! caller decides what a lost bus means.

use crate::observable::{Faults, Observable, Shared, State};
use crate::prombus::{NAME, PATH};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zbus::connection::Builder;
use zbus::fdo::RequestNameFlags;

/// How long the bus may take to accept the connection, and to release the name.
const BUS_LIMIT: Duration = Duration::from_secs(10);
const RELEASE_LIMIT: Duration = Duration::from_secs(1);

/// Why the service could not be started.
#[derive(Debug)]
pub enum PrombusError {
    /// The bus cannot be reached.
    Bus(zbus::Error),
    /// The bus did not reply within 10 seconds.
    Hangs,
    /// The policy of the bus does not let this user own the name.
    NotAllowed,
    /// Another connection owns the name.
    NameTaken,
    /// The thread or its runtime could not be started.
    Io(io::Error),
}

impl fmt::Display for PrombusError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(formatter, "cannot use the bus: {error}"),
            Self::Hangs => write!(formatter, "the bus does not reply"),
            Self::NotAllowed => write!(
                formatter,
                "the bus does not let this user own {NAME}: install its policy file \
                 (deploy/dbus/{NAME}.conf) in /etc/dbus-1/system.d, with the right user in it, \
                 and reload the bus (systemctl reload dbus)"
            ),
            Self::NameTaken => write!(formatter, "another process owns {NAME} on this bus"),
            Self::Io(error) => write!(formatter, "cannot run the service: {error}"),
        }
    }
}

impl std::error::Error for PrombusError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bus(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Hangs | Self::NotAllowed | Self::NameTaken => None,
        }
    }
}

impl From<zbus::Error> for PrombusError {
    fn from(error: zbus::Error) -> Self {
        match error {
            zbus::Error::NameTaken => Self::NameTaken,
            zbus::Error::FDO(inner) if matches!(*inner, zbus::fdo::Error::AccessDenied(_)) => {
                Self::NotAllowed
            }
            other => Self::Bus(other),
        }
    }
}

/// The bus that the service connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// The system bus of the host (`DBUS_SYSTEM_BUS_ADDRESS`, else the well-known socket).
    System,
    /// The bus at this D-Bus address.
    Address(String),
}

/// How the service claims its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Claim {
    /// Only if it is free, and without letting go: a second instance fails at once.
    #[default]
    Alone,
    /// Until another service replaces it; it is queued before and after.
    InTurn,
    /// Replaces the owner, and can be replaced from then on.
    Replacing,
}

impl Claim {
    pub(crate) fn flags(self) -> RequestNameFlags {
        match self {
            Self::Alone => RequestNameFlags::DO_NOT_QUEUE,
            Self::InTurn => RequestNameFlags::ALLOW_REPLACEMENT,
            Self::Replacing => {
                RequestNameFlags::REPLACE_EXISTING | RequestNameFlags::ALLOW_REPLACEMENT
            }
        }
    }
}

/// A connection that owns the name and serves the object on the tokio runtime that made it.
#[derive(Debug)]
pub struct Service {
    connection: zbus::Connection,
    pub(crate) shared: Arc<Shared>,
}

impl Service {
    /// Connects, serves the object and owns the name. With `faults`, the interface
    /// [`FAULTS`](crate::prombus::FAULTS) is served too.
    ///
    /// # Errors
    ///
    /// If the bus cannot be reached, hangs, or refuses the name.
    pub async fn start(
        on: &On,
        faults: bool,
        source: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Result<Self, PrombusError> {
        Self::start_claiming(on, Claim::Alone, faults, source).await
    }

    /// As [`Service::start`], where other services may claim the name too. A name that has another
    /// owner is not owned when this returns, unless the claim replaces the owner.
    ///
    /// # Errors
    ///
    /// As [`Service::start`].
    pub async fn start_claiming(
        on: &On,
        claim: Claim,
        faults: bool,
        source: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Result<Self, PrombusError> {
        let shared = Arc::new(Shared {
            source: Box::new(source),
            state: Mutex::new(State::default()),
        });
        let starting = Self::connect(on, claim, faults, shared);
        tokio::time::timeout(BUS_LIMIT, starting)
            .await
            .unwrap_or(Err(PrombusError::Hangs))
    }

    async fn connect(
        on: &On,
        claim: Claim,
        faults: bool,
        shared: Arc<Shared>,
    ) -> Result<Self, PrombusError> {
        let mut builder = match on {
            On::System => Builder::system(),
            On::Address(address) => Builder::address(address.as_str()),
        };
        builder = builder.serve_at(PATH, Observable(Arc::clone(&shared)));
        if faults {
            builder = builder.serve_at(PATH, Faults(Arc::clone(&shared)));
        }
        let connection = builder.build().await?;
        connection
            .request_name_with_flags(NAME, claim.flags())
            .await?;
        Ok(Self { connection, shared })
    }

    /// Returns when the bus has ended the connection.
    pub async fn closed(&self) {
        self.connection.closed().await;
    }

    /// Releases the name and closes the connection, without waiting for a bus that hangs.
    pub async fn stop(self) {
        let release = async {
            // If the bus has ended, so has the ownership of the name.
            let _ = self.connection.release_name(NAME).await;
            let _ = self.connection.close().await;
        };
        let _ = tokio::time::timeout(RELEASE_LIMIT, release).await;
    }
}
