//! The service of a listener: admits each connection and serves HTTP on it.

use super::application::application;
use super::context::ServerContext;
use super::socket::ClientSocket;
use super::transport::Transport;
use crate::http::client::{Peer, Scheme};
use crate::http::connections::LimitedStream;
use crate::http::web_config::Protection;
use actix_http::{HttpService, KeepAlive};
use actix_service::{ServiceFactory, ServiceFactoryExt, fn_service};
use local_exporter_actors::log_limit::LogLine;
use std::sync::Arc;
use std::time::Duration;

/// Builds the service for the connections of a listener.
pub(super) fn service<Io: Into<ClientSocket> + 'static>(
    context: &ServerContext,
) -> impl ServiceFactory<Io, Config = (), Response = (), Error = (), InitError = ()> + use<Io> {
    let stopping = context.stopping.clone();
    let scheme = match context.authorizer.protection() {
        Protection::Plain => Scheme::Http,
        Protection::Tls => Scheme::Https,
    };
    let logs = Arc::clone(&context.logs);
    let http = HttpService::build()
        // The connection enforces its own timeouts, for every request alike.
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        // Detects a disconnect at once and drops the scrape.
        .h1_allow_half_closed(false)
        .graceful_shutdown_signal(move || {
            let mut stopping = stopping.clone();
            async move {
                let _ = stopping.wait_for(|stopping| *stopping).await;
            }
        })
        .on_connect_ext(move |connection: &LimitedStream<Transport>, data| {
            data.insert(Arc::clone(connection.slot()));
            data.insert::<Peer>(connection.stream().peer());
            data.insert(connection.multiplexing());
            data.insert(scheme);
        })
        .finish(application(context))
        .map_err(move |error| {
            if let Some(suppressed) = logs.ended.event().map(LogLine::suppressed) {
                tracing::debug!(%error, suppressed, "connection ended");
            }
        });
    let context = context.clone();
    let admit = fn_service(move |socket: Io| {
        let admitted = context.clone().admit(socket.into());
        async move { admitted.await.ok_or(()) }
    });
    admit.and_then(http)
}
