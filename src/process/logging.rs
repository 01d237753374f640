//! Logs, and panics, which are logged once with a backtrace.
//!
//! Logs go to standard error: as `human` lines to a terminal, as fields to the journal, and else as
//! `logfmt` lines. `--log.format` selects one of `human`, `logfmt` and `json`. [`mod@line`] defines these
//! formats; all have the keys `time`, `level` and `msg` and the same further keys. On the journal a
//! key `selector` is the field `LOCAL_EXPORTER_SELECTOR`.
//!
//! No other module knows the form of a line or names `tracing_subscriber`. Level `info` is for events
//! that an operator acts on. A thing has the same key everywhere: `selector`, `reason`, `error`
//! (a text), `path`, `address`, `format`, `bytes`, `duration_seconds`.

mod fields;
mod journal;
mod level;
mod line;
mod output;
mod sink;
mod suppress;
mod writer;

pub(crate) use fields::Fields;
pub use level::Mode;
pub(crate) use line::Line;
pub use output::{FlushLog, Log};

use clap::{Args, ValueEnum};
use level::{Level, PANIC, targets};
use line::Color;
use sink::Sink;
use std::backtrace::Backtrace;
use std::io::{self, IsTerminal, stderr};
use std::panic::PanicHookInfo;
use suppress::SuppressExpected;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use writer::{LineFormat, LineWriter};

/// The logging flags of the command line.
#[derive(Args, Debug)]
pub struct Options {
    /// The least severe level to log [default: info].
    #[arg(
        id = "log.level",
        long,
        value_name = "LEVEL",
        global = true,
        conflicts_with = "verbose"
    )]
    level: Option<Level>,
    /// Log more: -v for level debug, -vv for level trace.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// The format of log lines [default: fields on the journal, human on a terminal, else logfmt].
    #[arg(id = "log.format", long, value_name = "FORMAT", global = true)]
    format: Option<Format>,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Time, level, message, and key=value pairs.
    Human,
    /// key=value pairs.
    Logfmt,
    /// One JSON object per line.
    Json,
}

/// Starts logging and has panics logged. After a second call, the first one stays in effect.
///
/// # Errors
/// If standard error is closed.
pub fn start(options: &Options, mode: Mode) -> io::Result<Log> {
    let log = Log::new(sink(options.format)?).map_err(io::Error::other)?;
    let layer = LineWriter {
        format: log.format(),
        open: {
            let log = log.clone();
            move || log.clone()
        },
    };
    let filter = targets(options.level, options.verbose, mode);
    let started = tracing_subscriber::registry()
        .with(layer.with_filter(filter.and(SuppressExpected)))
        .try_init();
    if started.is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
    Ok(log)
}

fn sink(format: Option<Format>) -> io::Result<Sink> {
    let format = match format {
        Some(format) => format,
        None if stderr().is_terminal() => Format::Human,
        None => {
            if stderr_is_the_journal()
                // If its socket is missing, lines on standard error still reach it.
                && let Ok(journal) = Sink::journal()
            {
                return Ok(journal);
            }
            Format::Logfmt
        }
    };
    Sink::stderr(match format {
        Format::Human if stderr().is_terminal() => LineFormat::Human(Color::Ansi),
        Format::Human => LineFormat::Human(Color::Off),
        Format::Logfmt => LineFormat::Logfmt,
        Format::Json => LineFormat::Json,
    })
}

/// Compares the file that systemd connected to the journal (systemd.exec(5), `$JOURNAL_STREAM`)
/// with standard error, which may have been redirected since.
fn stderr_is_the_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    rustix::fs::fstat(stderr()).is_ok_and(|is| stream == format!("{}:{}", is.st_dev, is.st_ino))
}

/// Runs on the thread that panics, so the line carries the selector of the actor's span.
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
