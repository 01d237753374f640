//! The command line, and what each exit code says.
//!
//! `0`: stopped as asked. `1`: could not start or go on. `2`: the arguments or
//! the configuration are wrong; every mistake is on standard error.

use crate::{listen, run, telemetry};
use clap::{Args, Parser, Subcommand};
use local_exporter_config::{Environment, Input, Mistakes, Settings, load};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where the configuration is looked for when no file is named.
const DEFAULT_FILE: &str = "/etc/local-exporter/config.toml";

const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (revision ",
    env!("LOCAL_EXPORTER_REVISION"),
    ", rustc ",
    env!("LOCAL_EXPORTER_RUSTC"),
    ")"
);

/// Bridges Prometheus and the daemons of this host that have no web server of their own.
#[derive(Debug, Parser)]
#[command(name = "local-exporter", version = VERSION, arg_required_else_help = true)]
pub struct Command {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    logging: telemetry::Options,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve the configured selectors over HTTP until SIGTERM or SIGINT.
    Serve(Serve),
}

#[derive(Args, Debug)]
struct Serve {
    /// The configuration [default: /etc/local-exporter/config.toml, which may be absent].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Command {
    /// Does what was asked; whatever went wrong is on standard error.
    #[must_use]
    pub fn execute(self) -> ExitCode {
        telemetry::start(&self.logging);
        match self.action {
            Action::Serve(serve) => serve.execute(),
        }
    }
}

impl Serve {
    fn execute(&self) -> ExitCode {
        let settings = match self.settings() {
            Ok(settings) => settings,
            Err(mistakes) => {
                print_mistakes(&mistakes);
                return ExitCode::from(2);
            }
        };
        match serve(settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(%error, "cannot serve");
                ExitCode::FAILURE
            }
        }
    }

    fn settings(&self) -> Result<Settings, Mistakes> {
        let path = self.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
        let input = match Input::read(path) {
            Ok(input) => Some(input),
            // The default file need not be there; one that was asked for must.
            Err((io::ErrorKind::NotFound, _)) if self.config.is_none() => None,
            Err((_, mistakes)) => return Err(mistakes),
        };
        load(input.as_ref(), &environment())
    }
}

/// One mistake a line, without a log's trimmings, so that editors can jump to them.
#[expect(
    clippy::print_stderr,
    reason = "this is the program's answer, not a log"
)]
fn print_mistakes(mistakes: &Mistakes) {
    eprintln!("{mistakes}");
}

fn environment() -> Environment {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
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
