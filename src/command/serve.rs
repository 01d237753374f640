//! `local-exporter serve`: until it is told to stop.

use super::Configuration;
use crate::{listen, run};
use clap::Args;
use local_exporter_config::Settings;
use rustix::process::{Resource, getrlimit};
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

/// Less than this is used up by threads, listeners and logs before the first scrape.
const FEWEST_DESCRIPTORS: u64 = 64;

/// Refuses a limit under which nothing would work, in words.
fn check_descriptors() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile).current;
    match limit {
        Some(limit) if limit < FEWEST_DESCRIPTORS => Err(io::Error::other(format!(
            "the limit of open files is {limit}, at least {FEWEST_DESCRIPTORS} are needed (ulimit -n, LimitNOFILE=)"
        ))),
        _ => Ok(()),
    }
}

fn serve(settings: Settings) -> io::Result<()> {
    check_descriptors()?;
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
