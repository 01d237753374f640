//! `local-exporter serve`: until it is told to stop.

use super::Configuration;
use crate::{listen, run};
use clap::Args;
use local_exporter_config::Settings;
use std::future::Future;
use std::io;
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
        match serve(settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(%error, "cannot serve");
                ExitCode::FAILURE
            }
        }
    }
}

fn serve(settings: Settings) -> io::Result<()> {
    let listener = listen::bind(settings.service)?;
    if settings.selectors.is_empty() {
        tracing::warn!("no selector is configured; the page at / tells how to add one");
    }
    actix_rt::System::new().block_on(async {
        let stop = stop_signal()?;
        run(settings.selectors, vec![listener], stop).await
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
