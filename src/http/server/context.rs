//! Shared state of all listeners, and the admission of a connection.

use super::socket::ClientSocket;
use super::transport::{PlainHttp, Transport};
use crate::http::access::Authorizer;
use crate::http::client::Peer;
use crate::http::connections::{Connections, LimitedStream, Multiplexing};
use crate::http::reply;
use crate::http::web_config::{Protection, handshake_error};
use crate::metrics::ConnectionMetrics;
use actix_http::Protocol;
use actix_web::web::ServiceConfig;
use local_exporter_actors::log_limit::{LogLimit, LogLine};
use local_exporter_actors::{BlockingPool, Registry};
use local_exporter_config::{PathAccess, Settings};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// Bytes of a request without TLS that are discarded.
const MAX_DISCARDED: usize = 64 * 1024;

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
        let peer = socket.peer();
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
                self.handshake_failed(peer, &error);
                if error
                    .get_ref()
                    .is_some_and(<dyn std::error::Error + Send + Sync>::is::<PlainHttp>)
                {
                    // The client may have gone.
                    let _ = refuse_plain_http(&mut connection).await;
                }
                None
            }
        }
    }

    /// Counts a failed handshake, and logs it at a limited rate.
    fn handshake_failed(&self, peer: Peer, error: &io::Error) {
        self.metrics.handshake_failed();
        let error = handshake_error(error);
        if let Some(suppressed) = self.logs.handshakes.event().map(LogLine::suppressed) {
            let client = peer.to_string();
            tracing::warn!(client, error, suppressed, "TLS handshake failed");
        }
    }
}

/// Tells a client that TLS is required, then waits until it has closed the connection: if bytes
/// are unread, the kernel resets the connection, and the response is lost.
async fn refuse_plain_http(connection: &mut LimitedStream<Transport>) -> io::Result<()> {
    let mut rest = reply::PLAIN_HTTP.as_bytes();
    let mut discarded = 0;
    let refuse = |transport: &mut Transport, cx: &mut Context<'_>| {
        let Some(socket) = transport.opening() else {
            return Poll::Ready(Ok(()));
        };
        let mut socket = Pin::new(socket);
        while !rest.is_empty() {
            let written = ready!(socket.as_mut().poll_write(cx, rest))?;
            rest = rest.get(written..).unwrap_or_default();
        }
        ready!(socket.as_mut().poll_shutdown(cx))?;
        let mut scratch = [0; 1024];
        while discarded < MAX_DISCARDED {
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(socket.as_mut().poll_read(cx, &mut buffer))?;
            match buffer.filled().len() {
                0 => break,
                read => discarded += read,
            }
        }
        Poll::Ready(Ok(()))
    };
    connection.prepare(refuse).await
}
