//! The server: listeners in, requests to the routes, each connection in its seat.
//!
//! Puts together what `actix_web::HttpServer` puts together, since that has no
//! place between the accepting of a connection and its first byte, where too
//! many connections have to be turned away. It may not know what is asked.

use crate::body::{self, Served};
use crate::connections::stream::Seated;
use crate::connections::{Class, Connections, Seat};
use crate::listen::Listener;
use crate::{Exporter, routes};
use actix_http::{ConnectionType, HttpService, KeepAlive, Protocol, Request, Response};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt};
use actix_service::{apply_fn_factory, fn_service, map_config};
use actix_web::App;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Service, ServiceResponse};
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Threads that serve HTTP. Two are enough for what scrapers ask, on any host.
const WORKERS: usize = 2;
/// Connections that may wait for a worker to see that they are too many.
const UNSEEN: usize = 32;

/// What the server is to be made of.
#[derive(Debug)]
pub struct Parts {
    /// What request handlers share.
    pub exporter: Data<Exporter>,
    /// The connections of all listeners.
    pub connections: Arc<Connections>,
    /// Becomes true when the server is to stop.
    pub stopping: watch::Receiver<bool>,
    /// How long the connections may take to end.
    pub stop_within: Duration,
}

/// Starts to serve. Must run within an actix system.
///
/// # Errors
/// When a listener cannot be used.
pub fn start(parts: &Parts, listeners: Vec<Listener>) -> io::Result<Server> {
    // With all of these taken nobody is accepted until one ends, which those
    // that are turned away do at once.
    let all = parts.connections.most() + UNSEEN;
    let mut builder = Server::build()
        .workers(WORKERS)
        .max_concurrent_connections(all.div_ceil(WORKERS))
        .shutdown_timeout(parts.stop_within.as_secs())
        .disable_signals();
    for listener in listeners {
        builder = match listener {
            Listener::Tcp(listener) => {
                tracing::info!(address = %listener.local_addr()?, "listening");
                listen(builder, listener, parts)?
            }
            Listener::Unix(_) => return Err(io::Error::from(io::ErrorKind::Unsupported)),
        };
    }
    Ok(builder.run())
}

fn listen(
    builder: ServerBuilder,
    listener: TcpListener,
    parts: &Parts,
) -> io::Result<ServerBuilder> {
    let exporter = parts.exporter.clone();
    let connections = Arc::clone(&parts.connections);
    let stopping = parts.stopping.clone();
    builder.listen("http", listener, move || {
        let connections = Arc::clone(&connections);
        let stopping = stopping.clone();
        let seated = fn_service(move |stream: TcpStream| {
            let seated = seat(&connections, stream);
            async move { seated.ok_or(()) }
        });
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
            .on_connect_ext(|connection: &Seated<TcpStream>, data| {
                data.insert(Arc::clone(connection.seat()));
            })
            .finish(application(exporter.clone()))
            .map_err(|error| tracing::debug!(%error, "connection ended"));
        seated.and_then(http)
    })
}

/// A connection on which requests may come, unless there are too many.
fn seat(
    connections: &Arc<Connections>,
    stream: TcpStream,
) -> Option<(Seated<TcpStream>, Protocol, Option<std::net::SocketAddr>)> {
    let seat = connections.admit()?;
    body::bound_stalls(&stream);
    let peer = stream.peer_addr().ok();
    Some((Seated::new(stream, seat), Protocol::Http1, peer))
}

/// The routes, with the seat of a request's connection occupied until its answer is written.
fn application(
    exporter: Data<Exporter>,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Response<Served>,
    Error = Response<BoxBody>,
    InitError = (),
> {
    let app = App::new().app_data(exporter).configure(routes::configure);
    let app = map_config(app.into_factory(), |()| AppConfig::default());
    let app = app.map_err(|error: actix_web::Error| Response::from(error));
    apply_fn_factory(app, |request: Request, app| {
        let seat = request.conn_data::<Arc<Seat>>().map(Arc::clone);
        let occupied = seat.as_ref().map(Seat::serve);
        let last = seat.is_some_and(|seat| seat.class() == Class::Reserved);
        let answer = app.call(request);
        async move {
            let response: ServiceResponse<_> = answer.await?;
            let mut response = Response::from(response.map_into_boxed_body());
            if last {
                response
                    .head_mut()
                    .set_connection_type(ConnectionType::Close);
            }
            Ok(response.map_body(|_, body| Served::new(body, occupied)))
        }
    })
}
