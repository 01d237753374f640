//! What all listeners share, and the admission of a connection.

use super::socket::ClientSocket;
use super::transport::Transport;
use crate::exporter::Exporter;
use crate::http::access::Authorizer;
use crate::http::connections::{Connections, LimitedStream, Multiplexing};
use crate::http::web_config::{Protection, handshake_error};
use actix_http::Protocol;
use actix_web::web::{Data, ServiceConfig};
use local_exporter_config::Paths;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Adds the pages to an application.
pub(crate) type Pages = fn(&mut ServiceConfig, &Paths);

/// What a server is started with.
#[derive(Debug)]
pub(crate) struct ServerSetup {
    /// Adds the pages to the application.
    pub(crate) pages: Pages,
    /// State of the request handlers.
    pub(crate) exporter: Data<Exporter>,
    /// The connections of all listeners.
    pub(crate) connections: Arc<Connections>,
    /// Becomes true at shutdown.
    pub(crate) stopping: watch::Receiver<bool>,
    /// How long connections may take to end at shutdown.
    pub(crate) stop_within: Duration,
}

/// What all listeners share.
#[derive(Clone)]
pub(super) struct ServerContext {
    pub(super) pages: Pages,
    pub(super) exporter: Data<Exporter>,
    pub(super) connections: Arc<Connections>,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) authorizer: Arc<Authorizer>,
}

impl ServerContext {
    /// Reads the files of the access settings. Blocks.
    ///
    /// # Errors
    /// Those of [`Authorizer::open`].
    pub(super) fn open(setup: &ServerSetup) -> io::Result<Self> {
        let exporter = setup.exporter.clone();
        let metrics = exporter.metrics.connections();
        let authorizer = Authorizer::open(&exporter.settings.load(), metrics);
        Ok(Self {
            pages: setup.pages,
            connections: Arc::clone(&setup.connections),
            stopping: setup.stopping.clone(),
            authorizer: Arc::new(authorizer.map_err(io::Error::other)?),
            exporter,
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
                self.exporter.metrics.connections().handshake_failed();
                let error = handshake_error(&error);
                tracing::debug!(error, "TLS handshake failed");
                None
            }
        }
    }
}
