//! `local-exporter serve`: serves until SIGTERM or SIGINT, and reloads on SIGHUP.

use super::configuration::{Configuration, check, load_to_serve};
use super::flags::ServiceFlags;
use crate::http::listen::{self, Listener};
use crate::process::confinement::{ReadAccess, RequiredAccess, Rules, confine};
use crate::process::logging::Log;
use crate::process::memory;
use crate::process::systemd::ServiceManager;
use crate::reload::{drop_ins, listed};
use crate::reloader::Reloader;
use crate::serve::{Start, run};
use clap::Args;
use local_exporter_actors::{cannot_start, check_threads};
use local_exporter_config::{Confinement, Layers, Loaded, PathAccess, Settings, shown};
use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::thread;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    configuration: Configuration,
    /// Check the configuration, its drop-ins and the web configuration, report errors, and exit.
    #[arg(id = "config.check", long)]
    check: bool,
    #[command(flatten)]
    flags: ServiceFlags,
}

/// The parts of startup that access configured paths. None of them runs on the main thread.
struct Prepared {
    loaded: Loaded,
    listeners: Vec<Listener>,
    /// The rules of confinement; `None` without it.
    rules: Option<Rules>,
}

/// The reason for which startup ended without serving.
enum Refused {
    /// The errors have been printed.
    Configuration(ExitCode),
    Io(io::Error),
    /// SIGTERM or SIGINT arrived.
    Stopped,
}

impl Serve {
    pub(super) fn execute(&self, log: Log) -> ExitCode {
        let layers = self.configuration.layers(self.flags.given());
        if self.check {
            return check(&layers);
        }
        match serve(layers, log) {
            Ok(()) | Err(Refused::Stopped) => ExitCode::SUCCESS,
            Err(Refused::Configuration(code)) => code,
            Err(Refused::Io(error)) => {
                tracing::error!(%error, "cannot serve");
                ExitCode::FAILURE
            }
        }
    }
}

fn serve(layers: Layers, log: Log) -> Result<(), Refused> {
    // Installed before anything else: a signal may arrive at any time.
    let system = actix_rt::System::new();
    let signals = system.block_on(async { Ok((stop_signal()?, signal(SignalKind::hangup())?)) });
    let (stop, hangup) = signals.map_err(Refused::Io)?;
    let mut stop = Box::pin(stop);
    let service_manager = ServiceManager::from_environment();
    let path_access = PathAccess::default();
    let prepared = system.block_on(async {
        tokio::select! {
            biased;
            () = &mut stop => Err(Refused::Stopped),
            prepared = prepare(layers.clone(), path_access.clone()) => prepared,
        }
    });
    let Prepared {
        loaded,
        listeners,
        rules,
    } = prepared?;
    let Settings { service, selectors } = &loaded.settings;
    if selectors.is_empty() {
        tracing::warn!("no selector is configured; the page / shows how to add one");
    }
    let configured = service.listeners.clone();
    // Threads that exist now are not confined. The later ones are, also those that access paths.
    path_access.release();
    let granted = rules.and_then(|rules| match confine(&rules) {
        ReadAccess::Restricted => Some(rules.into_required()),
        ReadAccess::Unrestricted => None,
    });
    let reloader = Reloader::new(layers, granted, path_access);
    let start = Start {
        log,
        loaded,
        listeners,
        reloader: reloader.clone(),
        service_manager,
    };
    let served = system.block_on(async {
        actix_rt::spawn(reload_at(hangup, reloader));
        run(start, stop).await
    });
    // Confinement may forbid this.
    listen::clear(&configured);
    // Dropping it would wait for blocked threads, for example on a file system that hangs.
    std::mem::forget(system);
    served.map_err(Refused::Io)
}

/// Loads the configuration, binds the listeners and opens the paths of confinement, on another thread,
/// which ends before this does.
async fn prepare(layers: Layers, path_access: PathAccess) -> Result<Prepared, Refused> {
    // The one below, and the one that accesses configured paths, whose absence would be reported as an
    // error in the configuration.
    check_threads(2).map_err(Refused::Io)?;
    let (sender, prepared) = oneshot::channel();
    let thread = thread::Builder::new().name("startup".to_owned());
    let thread = thread.spawn(move || {
        // The receiver is gone if the process stops.
        let _ = sender.send(prepare_now(&layers, &path_access));
    });
    let thread = thread.map_err(|error| Refused::Io(cannot_start(error)))?;
    let prepared = prepared.await;
    let ended = thread.join();
    match (prepared, ended) {
        (Ok(prepared), Ok(())) => prepared,
        _ => Err(Refused::Io(io::Error::other(
            "startup panicked; see the log",
        ))),
    }
}

fn prepare_now(layers: &Layers, path_access: &PathAccess) -> Result<Prepared, Refused> {
    let loaded = load_to_serve(layers, path_access).map_err(Refused::Configuration)?;
    // Not before: errors of the configuration are printed without log lines.
    let (version, revision) = (env!("CARGO_PKG_VERSION"), env!("LOCAL_EXPORTER_REVISION"));
    tracing::info!(version, revision, "starting");
    let files: Vec<_> = loaded
        .files
        .iter()
        .map(|it| shown(it).to_string())
        .collect();
    let (files, selectors) = (listed(&files), loaded.settings.selectors.len());
    tracing::info!(files, selectors, "configuration loaded");
    drop_ins::log(&loaded.warnings, &loaded.drop_ins, &loaded.writable);
    memory::warn_if_insufficient(&loaded.settings);
    let service = &loaded.settings.service;
    let listeners = listen::bind(&service.listeners).map_err(Refused::Io)?;
    let rules = match service.confinement {
        Confinement::Landlock => {
            let required = RequiredAccess::of(layers, &loaded, path_access);
            Some(Rules::open(required, path_access))
        }
        Confinement::Off => {
            tracing::info!("not confined: service.landlock is false");
            None
        }
    };
    Ok(Prepared {
        listeners,
        rules,
        loaded,
    })
}

/// Requests a reload at every SIGHUP.
async fn reload_at(mut hangup: Signal, reloader: Reloader) {
    while hangup.recv().await.is_some() {
        reloader.request();
    }
}

/// Resolves at SIGTERM, from a service manager, or SIGINT, from a terminal.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
