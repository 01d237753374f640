//! `local-exporter serve`: until it is told to stop.

use super::Configuration;
use crate::confine::{Needs, confine};
use crate::{descriptors, listen, run};
use clap::Args;
use local_exporter_config::{Confinement, Settings};
use std::future::Future;
use std::io;
use std::path::Path;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    configuration: Configuration,
}

impl Serve {
    pub(super) fn execute(&self) -> ExitCode {
        let settings = match self.configuration.settings() {
            Ok(settings) => settings,
            Err(code) => return code,
        };
        match serve(settings, self.configuration.path()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(%error, "cannot serve");
                ExitCode::FAILURE
            }
        }
    }
}

fn serve(mut settings: Settings, configuration: &Path) -> io::Result<()> {
    let Settings { service, selectors } = &mut settings;
    let limit = descriptors::raise_limit();
    service.clients =
        descriptors::share_out(service.clients, selectors, limit).map_err(io::Error::other)?;
    let listeners = listen::bind(&service.entrance)?;
    if selectors.is_empty() {
        tracing::warn!("no selector is configured; the page at / tells how to add one");
    }
    // No thread has been started yet: one that has would not be confined.
    match service.confinement {
        Confinement::Landlock => confine(&Needs::of(&settings, configuration)),
        Confinement::Off => {}
    }
    actix_rt::System::new().block_on(async {
        let stop = stop_signal()?;
        run(settings, listeners, stop).await
    })
}

/// Resolves at SIGTERM, which service managers send, or SIGINT, which a terminal does.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
