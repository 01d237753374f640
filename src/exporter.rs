//! The state that request handlers share.
//!
//! Each part that a reload replaces is a value behind an `ArcSwap`, which is replaced as a whole.

use crate::http::connections::Connections;
use crate::http::gzip;
use crate::http::rendered::SharedPage;
use crate::metrics;
use crate::phase::Phase;
use crate::process::liveness::Liveness;
use crate::reloader::Reloader;
use actix_web::web;
use arc_swap::ArcSwap;
use local_exporter_actors::{ActorThreads, GlobalLimit, Registry};
use local_exporter_config::{DropInState, Settings};
use std::sync::Arc;
use tokio::sync::watch;

/// The state that request handlers share.
#[derive(Debug)]
pub(crate) struct Exporter {
    /// The running configuration; replaced by a reload.
    pub settings: ArcSwap<Settings>,
    /// The selectors; replaced by a reload.
    pub registry: ArcSwap<Registry>,
    /// The exporter's own metrics.
    pub metrics: metrics::ExporterMetrics,
    /// The pages that clients share.
    pub pages: SharedPages,
    /// Compress response bodies.
    pub compressors: web::Data<gzip::Compressors>,
    /// The running configuration as TOML, for `/config`; replaced by a reload.
    pub text: ArcSwap<String>,
    /// The drop-ins of the running configuration; replaced by a reload.
    pub drop_ins: ArcSwap<DropInState>,
    /// Requests reloads.
    pub reloader: Reloader,
    /// The phase of the exporter, with notification of changes.
    pub phase: watch::Sender<Phase>,
    /// The liveness of the threads that serve HTTP.
    pub liveness: Liveness,
}

/// The parts of a running exporter, for a reload.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) exporter: web::Data<Exporter>,
    pub(crate) threads: ActorThreads,
    pub(crate) global_limit: GlobalLimit,
    pub(crate) connections: Arc<Connections>,
}

/// The pages that clients share.
#[derive(Debug, Default)]
pub(crate) struct SharedPages {
    pub(crate) actors: SharedPage,
    pub(crate) config: SharedPage,
    pub(crate) landing: SharedPage,
    pub(crate) metrics: SharedPage,
    pub(crate) targets: SharedPage,
}
