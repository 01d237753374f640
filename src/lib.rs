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
//!   bytes are written; [`gzip`]: in fewer of them.
//! - [`metrics`], [`debug`], [`landing`], [`health`]: the other pages.
//! - [`listen`]: where to listen; [`server`]: what serves there;
//!   [`connections`]: which of them may stay; [`descriptors`]: how many there
//!   can be.
//! - [`telemetry`]: logs and panics; [`command`]: the command line.

pub mod accept;
pub mod body;
pub mod bridge;
pub mod command;
pub mod confine;
pub mod connections;
pub mod deadline;
pub mod debug;
pub mod descriptors;
pub mod gzip;
pub mod health;
pub mod landing;
pub mod listen;
pub mod metrics;
pub mod reply;
pub mod routes;
pub mod server;
pub mod telemetry;

use actix_web::web;
use arc_swap::ArcSwap;
use connections::Connections;
use listen::Listener;
use local_exporter_actors::{Arbiters, Ceiling, Roster};
use local_exporter_config::{Selector, Settings};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a graceful stop may take at most, whatever the selectors' timeouts:
/// less than the 10 s after which container engines kill.
const LONGEST_STOP: Duration = Duration::from_secs(8);

/// What every request handler shares.
#[derive(Debug)]
pub struct Exporter {
    /// What the running configuration says; replaceable as a whole.
    pub settings: ArcSwap<Settings>,
    /// The selectors; replaceable as a whole.
    pub roster: ArcSwap<Roster>,
    /// The exporter's own metrics.
    pub metrics: metrics::Exporter,
    /// For clients that ask for compressed answers.
    pub compressors: web::Data<gzip::Compressors>,
}

/// Serves the selectors on the listeners, to clients within their limits, until
/// `stop` resolves, then ends within a bound. Must run within an actix system.
///
/// # Errors
/// When threads cannot be started or a listener cannot be used.
pub async fn run(
    settings: Settings,
    listeners: Vec<Listener>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let clients = settings.service.clients;
    let stop_within = stop_bound(&settings.selectors);
    let metrics = metrics::Exporter::new().map_err(io::Error::other)?;
    let reached = metrics.connections().counter(metrics::Limit::MaxInFlight);
    let arbiters = Arbiters::start(Ceiling::new(clients.max_in_flight, reached))?;
    let roster = Roster::start(settings.selectors.clone(), &arbiters, metrics.selectors());
    let connections = Connections::new(clients, metrics.connections().clone());
    let exporter = web::Data::new(Exporter {
        settings: ArcSwap::from(Arc::new(settings)),
        roster: ArcSwap::from(Arc::new(roster)),
        metrics,
        compressors: web::Data::default(),
    });

    let (announce, stopping) = watch::channel(false);
    let parts = server::Parts {
        exporter: exporter.clone(),
        connections,
        stopping,
        stop_within,
    };
    let server = server::start(&parts, listeners)?;
    let handle = server.handle();
    let serving = actix_rt::spawn(server);
    stop.await;
    tracing::info!("stopping");
    // Connections end with the answer they are at.
    announce.send_replace(true);
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
