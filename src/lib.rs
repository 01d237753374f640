//! The HTTP side of local-exporter: requests in, scrapes of selectors out.
//!
//! Joins the three parts: settings from `local-exporter-config`, selectors from
//! `local-exporter-actors`, and the pages here. It may not know how a source
//! works, and nothing in it is a global: [`run`] gets all it needs.
//!
//! # Layout
//!
//! - [`routes`]: every URL, in words and in code.
//! - [`bridge`]: one scrape; [`deadline`]: how long it may take; [`accept`]: what
//!   the scraper reads; [`reply`]: what becomes of its error; [`body`]: how its
//!   bytes are written.
//! - [`metrics`], [`debug`], [`landing`], [`health`]: the other pages.
//! - [`listen`]: where to listen; [`telemetry`]: logs and panics; [`command`]:
//!   the command line.

pub mod accept;
pub mod body;
pub mod bridge;
pub mod command;
pub mod deadline;
pub mod debug;
pub mod health;
pub mod landing;
pub mod listen;
pub mod metrics;
pub mod reply;
pub mod routes;
pub mod telemetry;

use actix_web::{App, HttpServer, web};
use arc_swap::ArcSwap;
use local_exporter_actors::{Arbiters, Roster};
use local_exporter_config::Selector;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

/// Threads that serve HTTP. Two are enough for what scrapers ask, on any host.
const WORKERS: usize = 2;
/// How long a connection may stay idle: longer than the usual scrape interval,
/// so that a scraper need not connect anew each time.
const KEEP_ALIVE: Duration = Duration::from_secs(90);
/// How long a client may take to send its request head.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a graceful stop may take at most, whatever the selectors' timeouts:
/// less than the 10 s after which container engines kill.
const LONGEST_STOP: Duration = Duration::from_secs(8);

/// What every request handler shares.
#[derive(Debug)]
pub struct Exporter {
    /// The selectors; replaceable as a whole.
    pub roster: ArcSwap<Roster>,
    /// The exporter's own metrics.
    pub metrics: metrics::Exporter,
}

/// Serves the selectors on the listeners until `stop` resolves, then ends
/// within a bound. Must run within an actix system.
///
/// # Errors
/// When threads cannot be started or a listener cannot be used.
pub async fn run(
    selectors: Vec<Selector>,
    listeners: Vec<TcpListener>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let stop_within = stop_bound(&selectors);
    let arbiters = Arbiters::start()?;
    let metrics = metrics::Exporter::new().map_err(io::Error::other)?;
    let roster = Roster::start(selectors, &arbiters, metrics.selectors());
    let exporter = web::Data::new(Exporter {
        roster: ArcSwap::from(Arc::new(roster)),
        metrics,
    });

    let shared = exporter.clone();
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .configure(routes::configure)
    })
    .workers(WORKERS)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(REQUEST_HEAD_TIMEOUT)
    // A client that has gone is noticed at once, and its scrape dropped.
    .h1_allow_half_closed(false)
    .on_connect(|connection, _| body::bound_stalls(connection))
    .shutdown_timeout(stop_within.as_secs())
    .disable_signals();
    for listener in listeners {
        tracing::info!(address = %listener.local_addr()?, "listening");
        server = server.listen(listener)?;
    }

    let server = server.run();
    let handle = server.handle();
    let serving = actix_rt::spawn(server);
    stop.await;
    tracing::info!("stopping");
    handle.stop(true).await;
    // The actors end with their doors, before the threads they live on.
    exporter.roster.store(Arc::default());
    serving.await.map_err(io::Error::other)?
}

/// Long enough for a scrape under way to be answered, and never too long.
fn stop_bound(selectors: &[Selector]) -> Duration {
    let timeouts = selectors.iter().map(|selector| selector.limits.timeout);
    let longest = timeouts.max().unwrap_or_default();
    (longest + Duration::from_secs(1)).min(LONGEST_STOP)
}
