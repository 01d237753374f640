//! The command line, and what each exit code says.
//!
//! `0`: stopped as asked, or all is well. `1`: could not start or go on; a
//! scrape failed; a body has problems. `2`: the arguments or the configuration
//! are wrong; every mistake is on standard error.

mod lint;
mod scrape;
mod serve;

use crate::telemetry::{self, Reader};
use clap::{Args, Parser, Subcommand};
use local_exporter_config::{Environment, Input, Mistakes, Settings, load};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where the configuration is looked for when no file is named.
const DEFAULT_FILE: &str = "/etc/local-exporter/config.toml";
/// The exit code of wrong arguments, which is also clap's, and of a wrong configuration.
const WRONG: u8 = 2;

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
    Serve(serve::Serve),
    /// Scrape one selector as the server would, and print the body, or why there is none.
    Scrape(scrape::Scrape),
    /// Check an exposition and print every problem with line and column.
    Lint(lint::Lint),
}

impl Command {
    /// Does what was asked; whatever went wrong is on standard error.
    #[must_use]
    pub fn execute(self) -> ExitCode {
        let reader = match self.action {
            Action::Serve(_) => Reader::Journal,
            Action::Scrape(_) | Action::Lint(_) => Reader::Terminal,
        };
        telemetry::start(&self.logging, reader);
        match self.action {
            Action::Serve(serve) => serve.execute(),
            Action::Scrape(scrape) => scrape.execute(),
            Action::Lint(lint) => lint.execute(),
        }
    }
}

/// Where the configuration comes from.
#[derive(Args, Debug)]
struct Configuration {
    /// The configuration [default: /etc/local-exporter/config.toml, which may be absent].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Configuration {
    /// The settings; where there are none, every mistake has been printed.
    fn settings(&self) -> Result<Settings, ExitCode> {
        self.load().map_err(|mistakes| {
            // One mistake a line, without a log's trimmings, so that editors can jump to them.
            complain(&mistakes.to_string());
            ExitCode::from(WRONG)
        })
    }

    /// The file, which may be absent if it is the default one.
    fn path(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE))
    }

    fn load(&self) -> Result<Settings, Mistakes> {
        let input = match Input::read(self.path()) {
            Ok(input) => Some(input),
            // The default file need not be there; one that was asked for must.
            Err((io::ErrorKind::NotFound, _)) if self.config.is_none() => None,
            Err((_, mistakes)) => return Err(mistakes),
        };
        load(input.as_ref(), &environment())
    }
}

fn environment() -> Environment {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

/// The program's answer where it is not a good one; there may be nobody to hear it.
fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
