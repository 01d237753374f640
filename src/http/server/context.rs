//! Shared state of all listeners, and the admission of a connection.

use super::socket::ClientSocket;
use super::transport::Transport;
use crate::http::access::Authorizer;
use crate::http::connections::{Connections, LimitedStream, Multiplexing};
use crate::http::web_config::{Protection, handshake_error};
use crate::metrics::ConnectionMetrics;
use actix_http::Protocol;
use actix_web::web::ServiceConfig;
use local_exporter_actors::log_limit::{LogLimit, LogLine};
use local_exporter_actors::{BlockingPool, Registry};
use local_exporter_config::{PathAccess, Settings};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Adds the pages and their state to an application.
pub(crate) type Pages = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;
/// Returns the settings and the selectors that are in use.
pub(crate) type InUse = Arc<dyn Fn() -> (Arc<Settings>, Arc<Registry>) + Send + Sync>;

/// Inputs of a server. It does not know the state of its pages: `pages` adds it to the
/// application, and `in_use` returns the settings and selectors that admission and authorization need.
pub(crate) struct ServerSetup {
    /// Called once on each worker thread.
    pub(crate) pages: Pages,
    /// Called for each request.
    pub(crate) in_use: InUse,
    /// The connections of all listeners.
    pub(crate) connections: Arc<Connections>,
    /// Accesses the files of the access settings.
    pub(crate) path_access: PathAccess,
    /// Metrics of connections and of the web configuration.
    pub(crate) metrics: ConnectionMetrics,
    /// The threads for work that blocks.
    pub(crate) blocking: BlockingPool,
    /// Becomes true at shutdown.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Time limit for connections to end at shutdown.
    pub(crate) stop_within: Duration,
}

/// Shared state of all listeners.
#[derive(Clone)]
pub(super) struct ServerContext {
    pub(super) pages: Pages,
    pub(super) in_use: InUse,
    pub(super) connections: Arc<Connections>,
    metrics: ConnectionMetrics,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) authorizer: Arc<Authorizer>,
    pub(super) logs: Arc<ConnectionLogs>,
}

/// Limits of the log lines that clients can cause.
#[derive(Debug, Default)]
pub(super) struct ConnectionLogs {
    /// Failed TLS handshakes.
    handshakes: LogLimit,
    /// Connections that end with an error.
    pub(super) ended: LogLimit,
    /// Connections that cannot be accepted.
    pub(super) accept: LogLimit,
}

impl ServerContext {
    /// Reads the files of the access settings, with a deadline.
    ///
    /// # Errors
    /// Those of [`Authorizer::open`].
    pub(super) fn open(setup: &ServerSetup) -> io::Result<Self> {
        let (settings, _) = (setup.in_use)();
        let authorizer = Authorizer::open(
            &settings,
            &setup.metrics,
            &setup.path_access,
            &setup.blocking,
        );
        Ok(Self {
            pages: Arc::clone(&setup.pages),
            in_use: Arc::clone(&setup.in_use),
            connections: Arc::clone(&setup.connections),
            metrics: setup.metrics.clone(),
            stopping: setup.stopping.clone(),
            authorizer: Arc::new(authorizer.map_err(io::Error::other)?),
            logs: Arc::default(),
        })
    }

    /// Admits a connection and performs its TLS handshake. Returns `None` if there are too
    /// many connections, or the handshake fails.
    pub(super) async fn admit(
        self,
        socket: ClientSocket,
    ) -> Option<(LimitedStream<Transport>, Protocol, Option<SocketAddr>)> {
        let tls = self.authorizer.tls().await;
        if tls.is_none() && self.authorizer.protection() == Protection::Tls {
            return None;
        }
        let admission = self.connections.admit()?;
        let mut connection = LimitedStream::new(Transport::new(socket, tls), admission);
        match connection.prepare(Transport::poll_handshake).await {
            Ok(protocol) => {
                connection.set_multiplexing(match protocol {
                    Protocol::Http2 => Multiplexing::On,
                    _ => Multiplexing::Off,
                });
                Some((connection, protocol, None))
            }
            Err(error) => {
                self.metrics.handshake_failed();
                if let Some(suppressed) = self.logs.handshakes.event().map(LogLine::suppressed) {
                    let error = handshake_error(&error);
                    tracing::debug!(error, suppressed, "TLS handshake failed");
                }
                None
            }
        }
    }
}
