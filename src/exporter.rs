//! The state that every request handler shares, and what a reload replaces parts of.
//!
//! Each part that a reload replaces is a value behind an `ArcSwap`: it is replaced as a whole.

use crate::http::connections::Connections;
use crate::http::gzip;
use crate::metrics;
use crate::phase::Phase;
use crate::process::liveness::Liveness;
use crate::reload::Reloader;
use actix_web::web;
use arc_swap::ArcSwap;
use local_exporter_actors::{ActorThreads, GlobalLimit, Registry};
use local_exporter_config::Settings;
use std::sync::Arc;
use tokio::sync::watch;

/// What every request handler shares.
#[derive(Debug)]
pub(crate) struct Exporter {
    /// What the running configuration says; replaceable as a whole.
    pub settings: ArcSwap<Settings>,
    /// The selectors; replaceable as a whole.
    pub registry: ArcSwap<Registry>,
    /// The exporter's own metrics.
    pub metrics: metrics::ExporterMetrics,
    /// For clients that ask for compressed answers.
    pub compressors: web::Data<gzip::Compressors>,
    /// The configuration as a text, as it was loaded; replaceable as a whole.
    pub text: ArcSwap<String>,
    /// Whom to ask for a reload.
    pub reloader: Reloader,
    /// What it is doing as a whole; whoever wants to know of changes subscribes.
    pub phase: watch::Sender<Phase>,
    /// The threads that serve HTTP, and must go on answering.
    pub liveness: Liveness,
}

/// What is up while requests are answered, and what a reload replaces parts of.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) exporter: web::Data<Exporter>,
    pub(crate) threads: ActorThreads,
    pub(crate) global_limit: GlobalLimit,
    pub(crate) connections: Arc<Connections>,
}
