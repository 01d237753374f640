//! Serving: starts the actors and the HTTP server, reloads, and shuts down within a bound.
//!
//! The only file that joins all parts of the program: the settings from `local-exporter-config`, the
//! selectors from `local-exporter-actors`, the HTTP server and the pages.

use crate::exporter::{Exporter, Running, SharedPages};
use crate::http::access;
use crate::http::connections::Connections;
use crate::http::gzip::Compressors;
use crate::http::listen::Listener;
use crate::http::server::{self, ServerSetup};
use crate::limits::Limit;
use crate::metrics;
use crate::pages::routes;
use crate::phase::Phase;
use crate::process::descriptors;
use crate::process::liveness::Liveness;
use crate::process::logging::Log;
use crate::process::systemd::{self, ServiceManager};
use crate::reload;
use crate::reloader::Reloader;
use actix_web::web;
use arc_swap::ArcSwap;
use local_exporter_actors::{ActorThreads, GlobalLimit, Registry};
use local_exporter_config::{Loaded, Settings};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// The time that scrapes in progress get at shutdown. Meanwhile the listeners stay open, and
/// `/-/ready` returns 503.
const DRAIN: Duration = Duration::from_secs(4);

/// The time that connections get to end after that. The sum is less than the 10 s after which
/// container engines send SIGKILL.
const CONNECTIONS_END: Duration = Duration::from_secs(4);

/// The delay beyond that after which the threads that serve HTTP are abandoned.
const SLACK: Duration = Duration::from_secs(1);

/// The parts that serving starts with.
#[derive(Debug)]
pub struct Start {
    /// The log, which another thread writes from here on.
    pub log: Log,
    /// The configuration.
    pub loaded: Loaded,
    /// The listeners, which are open.
    pub listeners: Vec<Listener>,
    /// Requests reloads.
    pub reloader: Reloader,
    /// The service manager to notify.
    pub service_manager: Option<ServiceManager>,
}

/// Serves the selectors on the listeners until `stop` resolves, then shuts down within a bound.
/// Reloads on request. Must run within an actix system.
///
/// # Errors
/// If there are too few file descriptors, or a thread or a listener cannot be started.
pub async fn run(start: Start, stop: impl Future<Output = ()>) -> io::Result<()> {
    let Start {
        log,
        loaded,
        listeners,
        reloader,
        service_manager,
    } = start;
    let read = (loaded.hash.clone(), loaded.warnings.clone());
    log.write_on_thread()?;
    let running = Running::start(loaded, reloader)?;
    let metrics = &running.exporter.metrics;
    metrics.add(log.dropped()).map_err(io::Error::other)?;
    let exporter = &running.exporter;
    if let Some(manager) = service_manager {
        let (exporter, actors) = (exporter.clone(), running.threads.handles());
        actix_rt::spawn(async move {
            let observed = systemd::Observed {
                phase: &exporter.phase,
                registry: &exporter.registry,
                liveness: &exporter.liveness,
                actors: &actors,
            };
            systemd::notify(manager, observed).await;
        });
    }

    let (announce, stopping) = watch::channel(false);
    let mut serving = server::start(&running.server_setup(stopping), listeners)?;
    exporter.phase.send_replace(Phase::Serving);
    tokio::select! {
        biased;
        () = stop => {}
        error = serving.failed() => return Err(error),
        never = reload::run::ReloadTask::new(&running, read).run() => match never {},
    }
    tracing::info!("stopping");
    exporter.phase.send_replace(Phase::Stopping);
    exporter.reloader.close();
    // Scrapes that take longer are cut off.
    let _ = timeout(DRAIN, running.global_limit.idle()).await;
    // Connections end with their current response.
    announce.send_replace(true);
    let ended = timeout(CONNECTIONS_END + SLACK, serving.stopped()).await;
    let ended = ended.unwrap_or_else(|_| {
        tracing::warn!("shutdown timeout: closing the remaining connections");
        Ok(())
    });
    // The actors end when their handles are dropped, before their threads.
    exporter.registry.store(Arc::default());
    ended
}

impl Running {
    /// The pages, and the parts of the state that the HTTP server itself uses.
    pub(crate) fn server_setup(&self, stopping: watch::Receiver<bool>) -> ServerSetup {
        let exporter = self.exporter.clone();
        let pages = move |service: &mut web::ServiceConfig| {
            // This runs on the worker thread that serves the pages.
            exporter.liveness.add_current_thread();
            service.app_data(exporter.clone());
            routes::configure(service, &exporter.settings.load().service.paths);
        };
        let exporter = self.exporter.clone();
        let in_use = move || (exporter.settings.load_full(), exporter.registry.load_full());
        ServerSetup {
            pages: Arc::new(pages),
            in_use: Arc::new(in_use),
            connections: Arc::clone(&self.connections),
            path_access: self.exporter.reloader.0.path_access.clone(),
            metrics: self.exporter.metrics.connections().clone(),
            blocking: self.threads.blocking().clone(),
            stopping,
            stop_within: CONNECTIONS_END,
        }
    }

    /// Starts the actors and creates the state of request handlers.
    pub(crate) fn start(loaded: Loaded, reloader: Reloader) -> io::Result<Self> {
        let Settings { service, selectors } = &loaded.settings;
        let limit = descriptors::raise_limit();
        let clients =
            descriptors::fit_limits(service.clients, selectors, limit).map_err(io::Error::other)?;
        let metrics = metrics::ExporterMetrics::new().map_err(io::Error::other)?;
        let configuration = metrics.configuration();
        configuration.loaded(&loaded.hash, &loaded.drop_ins);
        let limit_reached = metrics.connections().counter(Limit::MaxInFlight);
        let global_limit = GlobalLimit::new(clients.max_in_flight, limit_reached);
        let threads = ActorThreads::start(global_limit.clone())?;
        let blocking = threads.blocking().clone();
        for counter in [threads.lost_file_events(), blocking.failures()] {
            metrics.add(counter).map_err(io::Error::other)?;
        }
        threads
            .secret_files()
            .set(access::secret_files(&loaded.settings));
        let registry = Registry::start(selectors.clone(), &threads, metrics.selectors());
        let connections = Connections::new(clients, metrics.connections().clone());
        let exporter = web::Data::new(Exporter {
            settings: ArcSwap::from_pointee(loaded.settings),
            registry: ArcSwap::from_pointee(registry),
            metrics,
            pages: SharedPages::default(),
            compressors: web::Data::new(Compressors::new(blocking)),
            text: ArcSwap::from_pointee(loaded.text),
            drop_ins: ArcSwap::from_pointee(loaded.drop_ins),
            reloader,
            phase: watch::Sender::new(Phase::Starting),
            liveness: Liveness::default(),
        });
        Ok(Self {
            exporter,
            threads,
            global_limit,
            connections,
        })
    }
}
