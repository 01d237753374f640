//! Logs, and panics, which are logged once with a backtrace.
//!
//! To standard error, or, where that is the journal, to the journal itself, which
//! then has every field as one of its own. The only file that knows how a log
//! line looks, with `json` and `noise` below it. What is logged at `info` is something an
//! operator acts on.

mod json;
mod suppress;

use clap::{Args, ValueEnum};
use json::Json;
use std::backtrace::Backtrace;
use std::io::{IsTerminal, stderr};
use std::panic::PanicHookInfo;
use suppress::SuppressExpected;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::FilterExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

/// What names of fields begin with on the journal, where all programs share them.
const JOURNAL_PREFIX: &str = "LOCAL_EXPORTER";
/// Where panics are logged, so that they are where nothing else is: an error of ours is never
/// passed over in silence.
const PANIC: &str = "panic";

/// What the command line says about logs.
#[derive(Args, Debug)]
pub struct Options {
    /// Log what is of this level or more urgent [default: info].
    #[arg(
        id = "log.level",
        long,
        value_name = "LEVEL",
        global = true,
        conflicts_with = "verbose"
    )]
    level: Option<Level>,
    /// Log more: -v for debugging, -vv for everything.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// How a log line looks [default: fields on the journal, human on a terminal, else logfmt].
    #[arg(id = "log.format", long, value_name = "FORMAT", global = true)]
    format: Option<Format>,
}

/// How urgent a log line must be to be written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    /// What happens, for whoever looks for a cause.
    Debug,
    /// What an operator acts on.
    Info,
    /// What is wrong, and is dealt with.
    Warn,
    /// What cannot be dealt with.
    Error,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// `key=value` pairs.
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// Who reads what is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// An operator, later.
    Service,
    /// Whoever typed the command, who gets an answer of its own.
    Command,
}

/// Starts logging and has panics logged; a second call changes nothing.
pub fn start(options: &Options, mode: Mode) {
    let layer = match options.format {
        Some(format) => lines(format),
        None if stderr().is_terminal() => lines(Format::Human),
        None => journal().unwrap_or_else(|| lines(Format::Logfmt)),
    };
    let filter = EnvFilter::new(directives(options, mode));
    let started = tracing_subscriber::registry()
        .with(layer.with_filter(filter.and(SuppressExpected)))
        .try_init();
    if started.is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// What is logged, by whom.
fn directives(options: &Options, mode: Mode) -> &'static str {
    // What clients send and what daemons do to their directories is no error of
    // the exporter: actix-http and notify would say so at every request and restart.
    // zbus logs whole message bodies at its lowest level, notify every event of
    // the log's own directory: never, whatever is asked.
    match (options.level, options.verbose) {
        (None, 0) if mode == Mode::Command => "off,panic=error",
        (None | Some(Level::Info), 0) => {
            "info,actix_server=warn,actix_http=off,notify=off,zbus=warn"
        }
        (Some(Level::Error), _) => "error,actix_http=off,notify=off",
        (Some(Level::Warn), _) => "warn,actix_http=off,notify=off",
        (Some(Level::Debug), _) | (_, 1) => "debug,actix_server=info,notify=info,zbus=info",
        (_, _) => "trace,notify=info,mio=info,zbus=debug",
    }
}

/// Lines on standard error.
fn lines(format: Format) -> Box<dyn Layer<Registry> + Send + Sync> {
    match format {
        Format::Human => fmt::layer()
            .with_ansi(stderr().is_terminal())
            .with_target(false)
            .with_writer(stderr)
            .boxed(),
        Format::Logfmt => tracing_logfmt::builder()
            .with_target(false)
            .with_span_name(false)
            .with_span_path(false)
            .layer()
            .with_writer(stderr)
            .boxed(),
        Format::Json => Json(stderr).boxed(),
    }
}

/// The journal, where standard error is it.
fn journal() -> Option<Box<dyn Layer<Registry> + Send + Sync>> {
    if !stderr_is_the_journal() {
        return None;
    }
    // Without its socket, lines on standard error reach it all the same.
    let layer = tracing_journald::layer().ok()?;
    let priorities = PriorityMappings {
        info: Priority::Informational,
        debug: Priority::Debug,
        ..PriorityMappings::new()
    };
    let layer = layer
        .with_field_prefix(Some(JOURNAL_PREFIX.to_owned()))
        .with_priority_mappings(priorities);
    Some(layer.boxed())
}

/// Whether what systemd connected to the journal is still standard error: it says
/// which file that was (systemd.exec(5), `$JOURNAL_STREAM`), and somebody may have
/// redirected it since.
fn stderr_is_the_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    rustix::fs::fstat(stderr()).is_ok_and(|is| stream == format!("{}:{}", is.st_dev, is.st_ino))
}

/// Runs where the panic is, so that the line carries the selector of the actor it is in.
fn log_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let panic = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let location = info.location().map(ToString::to_string);
    let backtrace = Backtrace::force_capture();
    tracing::error!(target: PANIC, panic, location, %backtrace, "panicked");
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::subscriber::with_default;

    #[test]
    fn a_panic_is_logged_whatever_is_asked() {
        let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
        let quiet = levels.map(|level| (Some(level), 0));
        for (level, verbose) in quiet.into_iter().chain([(None, 0), (None, 1), (None, 2)]) {
            for mode in [Mode::Service, Mode::Command] {
                let options = Options {
                    level,
                    verbose,
                    format: None,
                };
                let filter = EnvFilter::new(directives(&options, mode));
                with_default(tracing_subscriber::registry().with(filter), || {
                    assert!(tracing::enabled!(target: PANIC, tracing::Level::ERROR));
                });
            }
        }
        let filter = EnvFilter::new("off");
        with_default(tracing_subscriber::registry().with(filter), || {
            assert!(!tracing::enabled!(target: PANIC, tracing::Level::ERROR));
        });
    }
}
