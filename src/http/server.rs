//! The HTTP server: accepts connections on all listeners and serves the routes.
//!
//! Replaces `actix_web::HttpServer`, which has no hook between accepting a connection and its
//! first byte, where excess connections must be refused and TLS handshakes take place. Every
//! request passes the [`Authorizer`](super::access::Authorizer) before it is routed. The
//! server knows no page.

mod application;
mod context;
mod handle;
mod multiplexed;
mod outgoing;
mod prefixed;
mod service;
mod socket;
mod tracked_body;
mod transport;
mod vsock;

pub(crate) use context::ServerSetup;
pub(crate) use handle::ServerHandle;

use crate::http::listen::Listener;
use crate::http::web_config::Protection;
use actix_server::Server;
use actix_web::rt::net::{TcpStream, UnixStream};
use context::ServerContext;
use local_exporter_actors::check_threads;
use local_exporter_config::shown;
use service::service;
use std::io;
use std::path::Path;

/// Threads that serve HTTP. Two are enough for scrapes, on any host.
const WORKERS: usize = 2;
/// Connections beyond the limit that may be accepted, so that a worker can refuse them.
const ACCEPT_HEADROOM: usize = 32;

/// Starts the server. Must run within an actix system.
///
/// # Errors
/// If a listener or an access setting cannot be used, or a thread cannot be started.
pub(crate) fn start(setup: &ServerSetup, listeners: Vec<Listener>) -> io::Result<ServerHandle> {
    // At this number actix-server accepts no more until a connection ends. Refused
    // connections end at once.
    let most = setup.connections.most() + ACCEPT_HEADROOM;
    // actix-server panics if it cannot start its workers, and the thread that accepts connections.
    check_threads(WORKERS + 1)?;
    let mut builder = Server::build()
        .workers(WORKERS)
        .max_concurrent_connections(most.div_ceil(WORKERS))
        .shutdown_timeout(setup.stop_within.as_secs())
        .disable_signals();
    let context = ServerContext::open(setup)?;
    let mut vsock = Vec::new();
    let is_vsock = |listener: &Listener| matches!(listener, Listener::Vsock(..));
    let only_vsock = listeners.iter().all(is_vsock);
    let tls = context.authorizer.protection() == Protection::Tls;
    for listener in listeners {
        let context = context.clone();
        builder = match listener {
            Listener::Tcp(listener) => {
                tracing::info!(address = %listener.local_addr()?, tls, "listening");
                let service = move || service::<TcpStream>(&context);
                builder.listen("http", listener, service)?
            }
            Listener::Unix(listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().unwrap_or(Path::new(""));
                tracing::info!(address = %format_args!("unix:{}", shown(path)), tls, "listening");
                let service = move || service::<UnixStream>(&context);
                builder.listen_uds("http", listener, service)?
            }
            Listener::Vsock(listener, address) => {
                tracing::info!(%address, tls, "listening");
                vsock.push(vsock::serve(listener, context, most)?);
                builder
            }
        };
    }
    actix_web::rt::spawn(end_multiplexed(context));
    // actix-server does not run without a listener.
    let server = (!only_vsock).then(|| builder.run());
    Ok(ServerHandle::start(server, vsock, setup.stop_within))
}

/// Ends HTTP/2 connections at shutdown; actix-http ends those of HTTP/1.1.
async fn end_multiplexed(mut context: ServerContext) {
    if context
        .stopping
        .wait_for(|stopping| *stopping)
        .await
        .is_ok()
    {
        context.connections.stop();
    }
}
