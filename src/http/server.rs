//! The server: listeners in, requests to the routes, each connection in its seat.
//!
//! Puts together what `actix_web::HttpServer` puts together, since that has no
//! place between the accepting of a connection and its first byte, where too
//! many connections have to be turned away, and where TLS begins. Every request
//! passes the [`Gate`] before it is looked at. It may not know what is asked.

mod application;
mod multiplexed;
mod serving;
pub(crate) mod transport;
mod vsock;

use crate::exporter::Exporter;
use crate::http::access::Gate;
use crate::http::client::{Peer, Scheme};
use crate::http::connections::stream::Seated;
use crate::http::connections::{Connections, Turns};
use crate::http::listen::Listener;
use crate::http::web_config::{self, current::Protection};
use actix_http::{HttpService, KeepAlive, Protocol};
use actix_server::Server;
use actix_service::{ServiceFactory, ServiceFactoryExt, fn_service};
use actix_web::rt::net::{TcpStream, UnixStream};
use actix_web::web::{Data, ServiceConfig};
use application::application;
use local_exporter_config::Paths;
pub(crate) use serving::Serving;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use transport::{Transport, Wire};

/// Threads that serve HTTP. Two are enough for what scrapers ask, on any host.
const WORKERS: usize = 2;
/// Connections that may wait for a worker to see that they are too many.
const UNSEEN: usize = 32;

/// Adds the pages to an application.
pub(crate) type Pages = fn(&mut ServiceConfig, &Paths);

/// What the server is to be made of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The routes of the application.
    pub pages: Pages,
    /// What request handlers share.
    pub exporter: Data<Exporter>,
    /// The connections of all listeners.
    pub connections: Arc<Connections>,
    /// Becomes true when the server is to stop.
    pub stopping: watch::Receiver<bool>,
    /// How long the connections may take to end.
    pub stop_within: Duration,
}

/// What all listeners have in common.
#[derive(Clone)]
struct Common {
    pages: Pages,
    exporter: Data<Exporter>,
    connections: Arc<Connections>,
    stopping: watch::Receiver<bool>,
    gate: Arc<Gate>,
}

/// Starts to serve. Must run within an actix system.
///
/// # Errors
/// When a listener cannot be used, or what settings say of access.
pub(crate) fn start(parts: &Parts, listeners: Vec<Listener>) -> io::Result<Serving> {
    // With all of these taken nobody is accepted until one ends, which those
    // that are turned away do at once.
    let all = parts.connections.most() + UNSEEN;
    let mut builder = Server::build()
        .workers(WORKERS)
        .max_concurrent_connections(all.div_ceil(WORKERS))
        .shutdown_timeout(parts.stop_within.as_secs())
        .disable_signals();
    let common = Common::open(parts)?;
    let mut vsock = Vec::new();
    let is_vsock = |listener: &Listener| matches!(listener, Listener::Vsock(..));
    let nothing_else = listeners.iter().all(is_vsock);
    for listener in listeners {
        let common = common.clone();
        builder = match listener {
            Listener::Tcp(listener) => {
                tracing::info!(address = %listener.local_addr()?, "listening");
                let service = move || service::<TcpStream>(&common);
                builder.listen("http", listener, service)?
            }
            Listener::Unix(listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().unwrap_or(std::path::Path::new(""));
                tracing::info!(address = %format_args!("unix:{}", path.display()), "listening");
                let service = move || service::<UnixStream>(&common);
                builder.listen_uds("http", listener, service)?
            }
            Listener::Vsock(listener, address) => {
                tracing::info!(%address, "listening");
                vsock.push(vsock::serve(listener, common, all));
                builder
            }
        };
    }
    actix_web::rt::spawn(end_multiplexed(common));
    // It does not run without a listener of its own.
    let server = (!nothing_else).then(|| builder.run());
    Ok(Serving::start(server, vsock, parts.stop_within))
}

/// actix-http ends HTTP/1.1 connections itself when the server is to stop.
async fn end_multiplexed(mut common: Common) {
    if common.stopping.wait_for(|stopping| *stopping).await.is_ok() {
        common.connections.stop();
    }
}

impl Common {
    fn open(parts: &Parts) -> io::Result<Self> {
        let exporter = parts.exporter.clone();
        let metrics = exporter.metrics.connections();
        let gate = Gate::open(&exporter.settings.load(), metrics).map_err(io::Error::other)?;
        Ok(Self {
            pages: parts.pages,
            connections: Arc::clone(&parts.connections),
            stopping: parts.stopping.clone(),
            gate: Arc::new(gate),
            exporter,
        })
    }

    /// A connection on which requests may come, unless there are too many, or
    /// its client cannot agree with us on how to protect it.
    async fn admit(self, wire: Wire) -> Option<(Seated<Transport>, Protocol, Option<SocketAddr>)> {
        let tls = self.gate.tls().await;
        if tls.is_none() && self.gate.protection() == Protection::Tls {
            return None;
        }
        let seat = self.connections.admit()?;
        let mut connection = Seated::new(Transport::new(wire, tls), seat);
        match connection.prepare(Transport::poll_handshake).await {
            Ok(protocol) => {
                connection.take_turns(match protocol {
                    Protocol::Http2 => Turns::Multiplexed,
                    _ => Turns::InTurn,
                });
                Some((connection, protocol, None))
            }
            Err(error) => {
                self.exporter.metrics.connections().handshake_failed();
                let error = web_config::in_words(&error);
                tracing::debug!(error, "TLS handshake failed");
                None
            }
        }
    }
}

/// What becomes of the connections of a listener.
fn service<Io: Into<Wire> + 'static>(
    common: &Common,
) -> impl ServiceFactory<Io, Config = (), Response = (), Error = (), InitError = ()> + use<Io> {
    let stopping = common.stopping.clone();
    let scheme = match common.gate.protection() {
        Protection::Plain => Scheme::Http,
        Protection::Tls => Scheme::Https,
    };
    let http = HttpService::build()
        // The connection keeps its times itself, for every request alike.
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        // A client that has gone is noticed at once, and its scrape dropped.
        .h1_allow_half_closed(false)
        .graceful_shutdown_signal(move || {
            let mut stopping = stopping.clone();
            async move {
                let _ = stopping.wait_for(|stopping| *stopping).await;
            }
        })
        .on_connect_ext(move |connection: &Seated<Transport>, data| {
            data.insert(Arc::clone(connection.seat()));
            data.insert::<Peer>(connection.stream().peer());
            data.insert(connection.turns());
            data.insert(scheme);
        })
        .finish(application(common))
        .map_err(|error| tracing::debug!(%error, "connection ended"));
    let common = common.clone();
    let seated = fn_service(move |stream: Io| {
        let admitted = common.clone().admit(stream.into());
        async move { admitted.await.ok_or(()) }
    });
    seated.and_then(http)
}
