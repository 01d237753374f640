//! The command line, and what each exit code says.
//!
//! `0`: stopped as asked, or all is well. `1`: could not start or go on; a
//! scrape failed; a source is not ready; a body has problems. `2`: the arguments
//! or the configuration are wrong; every error is on standard error.

mod check;
mod completions;
mod configuration;
mod exit;
mod flags;
mod lint;
mod man;
mod scrape;
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

/// Bridges Prometheus and the daemons of this host that have no web server of their own.
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
    /// Scrape one selector as the server would, and print the body, or why there is none.
    Scrape(scrape::Scrape),
    /// Look for what is wrong with selectors before they are deployed, and what to change.
    Check(check::Check),
    /// Check an exposition and print every problem with line and column.
    Lint(lint::Lint),
    /// Print what a shell needs to complete the arguments of this program.
    Completions(completions::Completions),
    /// Print the manual page, or write the pages of all commands to a directory.
    Man(man::Man),
}

impl Command {
    /// The arguments of this process. Wrong ones end it, in words, and so does a wish for help.
    #[must_use]
    pub fn of_process() -> Self {
        Self::try_parse().unwrap_or_else(|error| hinted(error).exit())
    }

    /// Does what was asked; whatever went wrong is on standard error.
    #[must_use]
    pub fn execute(self) -> ExitCode {
        let mode = match self.action {
            Action::Serve(_) => Mode::Service,
            Action::Scrape(_) | Action::Check(_) | Action::Lint(_) => Mode::Command,
            Action::Completions(_) | Action::Man(_) => Mode::Command,
        };
        logging::start(&self.logging, mode);
        match self.action {
            Action::Serve(serve) => serve.execute(),
            Action::Scrape(scrape) => scrape.execute(),
            Action::Check(check) => check.execute(),
            Action::Lint(lint) => lint.execute(),
            Action::Completions(completions) => completions.execute(Self::command()),
            Action::Man(man) => man.execute(Self::command()),
        }
    }
}

/// Other exporters have no commands: who gives us their flags alone is told of `serve`.
fn hinted(mut error: clap::Error) -> clap::Error {
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
        let hint = format!("it is for `local-exporter serve {wrong}`");
        let hint = ContextValue::StyledStrs(vec![StyledStr::from(hint)]);
        error.insert(ContextKind::Suggested, hint);
    }
    error
}
