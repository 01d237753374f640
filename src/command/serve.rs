//! `local-exporter serve`: serves until SIGTERM or SIGINT, and reloads on SIGHUP.

use super::configuration::{Configuration, check, load_to_serve};
use super::flags::ServiceFlags;
use crate::http::listen;
use crate::process::confinement::{ReadAccess, RequiredAccess, confine};
use crate::process::systemd::ServiceManager;
use crate::reloader::Reloader;
use crate::serve::{Start, run};
use clap::Args;
use local_exporter_config::{Confinement, Layers, Loaded, Settings};
use std::future::Future;
use std::io;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

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

impl Serve {
    pub(super) fn execute(&self) -> ExitCode {
        let layers = self.configuration.layers(self.flags.given());
        if self.check {
            return check(&layers);
        }
        let loaded = match load_to_serve(&layers) {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        for error in &loaded.warnings {
            tracing::warn!(%error, "drop-in left out of the configuration");
        }
        match serve(loaded, layers) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(%error, "cannot serve");
                ExitCode::FAILURE
            }
        }
    }
}

fn serve(loaded: Loaded, layers: Layers) -> io::Result<()> {
    // Installed before the listeners: whatever sees them may send a signal.
    let system = actix_rt::System::new();
    let (stop, hangup) = system
        .block_on(async { Ok::<_, io::Error>((stop_signal()?, signal(SignalKind::hangup())?)) })?;
    let Settings { service, selectors } = &loaded.settings;
    let bound = listen::bind(&service.listeners)?;
    if selectors.is_empty() {
        tracing::warn!("no selector is configured; the page / shows how to add one");
    }
    let service_manager = ServiceManager::from_environment();
    let configured = service.listeners.clone();
    // Before any thread starts: existing threads are not confined.
    let granted = match service.confinement {
        Confinement::Landlock => {
            let needs = RequiredAccess::of(&layers, &loaded);
            let access = confine(&needs);
            Some(needs).filter(|_| access == ReadAccess::Restricted)
        }
        Confinement::Off => None,
    };
    let reloader = Reloader::new(layers, granted);
    let start = Start {
        loaded,
        listeners: bound,
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
    served
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
