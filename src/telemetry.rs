//! Logs, to standard error, and panics, which are logged once with a backtrace.
//!
//! The only file that knows how a log line looks.

use clap::{Args, ValueEnum};
use std::backtrace::Backtrace;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// What the command line says about logs.
#[derive(Args, Debug)]
pub struct Options {
    /// Log more: -v for debugging, -vv for everything.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// How a log line looks [default: human on a terminal, else logfmt].
    #[arg(id = "log.format", long, value_name = "FORMAT", global = true)]
    format: Option<Format>,
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
pub enum Reader {
    /// An operator, later.
    Journal,
    /// Whoever typed the command, who gets an answer of its own.
    Terminal,
}

/// Starts logging and has panics logged; a second call changes nothing.
pub fn start(options: &Options, reader: Reader) {
    let terminal = std::io::stderr().is_terminal();
    let format = options.format.unwrap_or(if terminal {
        Format::Human
    } else {
        Format::Logfmt
    });
    let writer = std::io::stderr;
    let layer = match format {
        Format::Human => fmt::layer()
            .with_ansi(terminal)
            .with_target(false)
            .with_writer(writer)
            .boxed(),
        Format::Logfmt => tracing_logfmt::builder()
            .with_target(false)
            .with_span_name(false)
            .with_span_path(false)
            .layer()
            .with_writer(writer)
            .boxed(),
        Format::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_span_list(false)
            .with_writer(writer)
            .boxed(),
    };
    // What clients send and what daemons do to their directories is no error of
    // the exporter: actix-http and notify would say so at every request and restart.
    // zbus logs whole message bodies at its lowest level, notify every event of
    // the log's own directory: never, whatever is asked.
    let filter = match options.verbose {
        0 if reader == Reader::Terminal => "off",
        0 => "info,actix_server=warn,actix_http=off,notify=off,zbus=warn",
        1 => "debug,actix_server=info,notify=info,zbus=info",
        _ => "trace,notify=info,mio=info,zbus=debug",
    };
    let filter = EnvFilter::new(filter);
    let started = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
    if started.is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// Runs where the panic is, so that the line carries the selector of the actor it is in.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let location = panic.location().map(ToString::to_string);
    let backtrace = Backtrace::force_capture();
    tracing::error!(message, location, %backtrace, "panic");
}
