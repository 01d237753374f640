//! `local-exporter serve`: until it is told to stop.

use super::configuration::{Configuration, check, load_to_serve};
use super::flags::ServiceFlags;
use crate::http::listen;
use crate::process::confinement::{ReadAccess, RequiredAccess, confine};
use crate::process::systemd::ServiceManager;
use crate::reload::Reloader;
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
    /// Check the configuration, its drop-ins and the web configuration, say what is wrong, and end.
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
            tracing::warn!(%error, "left out of the configuration");
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
        tracing::warn!("no selector is configured; the page at / tells how to add one");
    }
    let service_manager = ServiceManager::from_environment();
    let configured = service.listeners.clone();
    // No thread has been started yet: one that has would not be confined.
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
    // The confinement may well forbid it.
    listen::clear(&configured);
    // Dropping it would wait for whatever blocks still, on a file system that hangs perhaps.
    std::mem::forget(system);
    served
}

/// Reloads at every SIGHUP, by which daemons have always been told to.
async fn reload_at(mut hangup: Signal, reloader: Reloader) {
    while hangup.recv().await.is_some() {
        reloader.request();
    }
}

/// Resolves at SIGTERM, which service managers send, or SIGINT, which a terminal does.
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
