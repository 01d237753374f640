//! The prombus service as one connection: connect, serve the object, own the name, give it back.
//!
//! Promises that the name is owned when a start returns and that neither starting nor stopping
//! waits for a hanging bus beyond its limit. Runs on the tokio runtime of its caller; does not
//! reconnect: who runs it decides what a lost bus means.

use crate::observable::{Faults, Observable, Shared, State};
use crate::prombus::{NAME, PATH};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zbus::connection::Builder;
use zbus::fdo::RequestNameFlags;

/// How long the bus may take to let us in, and to take the name back.
const BUS_LIMIT: Duration = Duration::from_secs(10);
const RELEASE_LIMIT: Duration = Duration::from_secs(1);

/// Why the service could not be started.
#[derive(Debug)]
pub enum PrombusError {
    /// The bus cannot be reached.
    Bus(zbus::Error),
    /// The bus did not answer within 10 seconds.
    Hangs,
    /// The policy of the bus does not let this user own the name.
    NotAllowed,
    /// Somebody else owns the name.
    NameTaken,
    /// The thread or its runtime could not be started.
    Io(io::Error),
}

impl fmt::Display for PrombusError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(formatter, "cannot use the bus: {error}"),
            Self::Hangs => write!(formatter, "the bus does not answer"),
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

/// Which bus the service is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// The system bus of the host (`DBUS_SYSTEM_BUS_ADDRESS`, else the well-known socket).
    System,
    /// The bus at this D-Bus address.
    Address(String),
}

/// How the service takes its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Claim {
    /// If nobody has it, and for good: a second instance has to say so at once.
    #[default]
    Alone,
    /// Until somebody replaces it; it waits for its turn before and after.
    InTurn,
    /// From whoever has it in turn, and in turn from then on.
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
    /// When the bus cannot be reached, hangs, or refuses the name.
    pub async fn start(
        on: &On,
        faults: bool,
        source: impl Fn() -> Vec<u8> + Send + Sync + 'static,
    ) -> Result<Self, PrombusError> {
        Self::start_claiming(on, Claim::Alone, faults, source).await
    }

    /// As [`Service::start`], where others may claim the name too. A name that somebody else has is
    /// not owned when this returns, unless the claim replaces its owner.
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

    /// Gives the name back and closes the connection; a bus that hangs is not waited for.
    pub async fn stop(self) {
        let release = async {
            // A bus that has gone has taken the name with it.
            let _ = self.connection.release_name(NAME).await;
            let _ = self.connection.close().await;
        };
        let _ = tokio::time::timeout(RELEASE_LIMIT, release).await;
    }
}
