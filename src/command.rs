//! The command line: the definition of the arguments and the dispatch to commands.
//!
//! [`exit`] documents the exit statuses.

mod check;
mod completions;
mod configuration;
mod exit;
mod flags;
mod lint;
mod man;
mod scrape;
mod sd;
mod serve;

use crate::process::logging::{self, Mode};
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (revision ",
    env!("LOCAL_EXPORTER_REVISION"),
    ", rustc ",
    env!("LOCAL_EXPORTER_RUSTC"),
    ")"
);

/// Lets Prometheus scrape daemons of this host that have no HTTP server.
#[derive(Debug, Parser)]
#[command(name = "local-exporter", version = VERSION, arg_required_else_help = true)]
pub struct Command {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    logging: logging::Options,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve the configured selectors over HTTP until SIGTERM or SIGINT.
    Serve(serve::Serve),
    /// Scrape one selector like the server does, and print the body or the error.
    Scrape(scrape::Scrape),
    /// Check selectors before deployment, and report problems with their remedies.
    Check(check::Check),
    /// Check the format of metrics and print every problem with line and column.
    Lint(lint::Lint),
    /// Print the targets for service discovery, also for many hosts with one configuration.
    Sd(sd::Sd),
    /// Generate shell completions.
    Completions(completions::Completions),
    /// Print the manual page, or write all manual pages to a directory.
    Man(man::Man),
}

impl Command {
    /// Parses the arguments of this process. Prints help or errors and exits if there are any.
    #[must_use]
    pub fn from_process_arguments() -> Self {
        Self::try_parse().unwrap_or_else(|error| with_hint(error).exit())
    }

    /// Executes the command. Errors are on standard error.
    #[must_use]
    pub fn execute(self) -> ExitCode {
        let mode = match self.action {
            Action::Serve(_) => Mode::Service,
            Action::Scrape(_) | Action::Check(_) | Action::Lint(_) | Action::Sd(_) => Mode::Command,
            Action::Completions(_) | Action::Man(_) => Mode::Command,
        };
        let log = match logging::start(&self.logging, mode) {
            Ok(log) => log,
            Err(error) => {
                exit::complain(&format!("cannot log to standard error: {error}"));
                return ExitCode::FAILURE;
            }
        };
        let _flush = log.flush_at_end();
        match self.action {
            Action::Serve(serve) => serve.execute(log),
            Action::Scrape(scrape) => scrape.execute(),
            Action::Check(check) => check.execute(),
            Action::Lint(lint) => lint.execute(),
            Action::Sd(sd) => sd.execute(),
            Action::Completions(completions) => completions.execute(Self::command()),
            Action::Man(man) => man.execute(Self::command()),
        }
    }
}

/// Suggests `serve` for its flags: other exporters have no commands.
fn with_hint(mut error: clap::Error) -> clap::Error {
    let wrong = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(wrong)) if error.kind() == ErrorKind::UnknownArgument => wrong,
        _ => return error,
    };
    let is_wrong = |flag: &clap::Arg| {
        let names = flag.get_long_and_visible_aliases().unwrap_or_default();
        names
            .iter()
            .any(|name| wrong.strip_prefix("--") == Some(name))
    };
    let command = Command::command();
    let serve = command.find_subcommand("serve");
    if serve.is_some_and(|serve| serve.get_arguments().any(is_wrong)) {
        let hint = format!("try `local-exporter serve {wrong}`");
        let hint = ContextValue::StyledStrs(vec![StyledStr::from(hint)]);
        error.insert(ContextKind::Suggested, hint);
    }
    error
}
