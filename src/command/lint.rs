//! `local-exporter lint`: checks files or standard input without any configuration.

use super::exit::{WRONG, complain};
use clap::{Args, ValueEnum};
use local_exporter_config::shown;
use local_exporter_exposition::{
    Check, Fault, FinalNewline, FormatChoice, MAX_FAULTS, Rules, check, list_faults,
};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The largest file that is read: the largest `max_bytes`.
const MAX_BYTES: u64 = 1 << 30;

#[derive(Args, Debug)]
pub(super) struct Lint {
    /// The files to check; `-` is standard input.
    #[arg(default_value = "-", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The rules: strict for the specification, ingest for what Prometheus accepts, whole for completeness.
    #[arg(long, value_enum, default_value_t = Level::Strict)]
    check: Level,
    /// The format of the metrics.
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Strict,
    Ingest,
    Whole,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Auto,
    Text,
    #[value(name = "openmetrics")]
    OpenMetrics,
    Protobuf,
}

impl Lint {
    pub(super) fn execute(&self) -> ExitCode {
        let mut found = ExitCode::SUCCESS;
        let mut unreadable = false;
        for file in &self.files {
            let body = match read(file) {
                Ok(body) => body,
                Err(error) => {
                    complain(&format!("{}: {error}", shown(file)));
                    unreadable = true;
                    continue;
                }
            };
            match self.report(file, &body) {
                Ok(0) => {}
                Ok(_) => found = ExitCode::FAILURE,
                // Standard output is a closed pipe.
                Err(_) => return ExitCode::FAILURE,
            }
        }
        if unreadable {
            ExitCode::from(WRONG)
        } else {
            found
        }
    }

    /// Prints the problems of one body; returns how many there are.
    fn report(&self, file: &Path, body: &[u8]) -> io::Result<usize> {
        let rules = self.rules();
        let problems = list_faults(body, &rules);
        let mut out = io::stdout().lock();
        let name = shown(file);
        for problem in &problems {
            let Fault {
                line,
                column,
                message,
                excerpt,
                ..
            } = problem;
            write!(out, "{name}:{line}:{column}: {message}")?;
            if !excerpt.is_empty() {
                write!(out, " in `{excerpt}`")?;
            }
            writeln!(out)?;
        }
        if problems.len() >= MAX_FAULTS {
            complain(&format!(
                "{name}: only the first {MAX_FAULTS} problems are shown"
            ));
        }
        if let Ok(summary) = check(body, &rules) {
            let (samples, families) = (summary.samples, summary.families);
            let format = summary.format.name();
            complain(&format!(
                "{name}: {format}, samples: {samples}, families: {families}"
            ));
        }
        Ok(problems.len())
    }

    fn rules(&self) -> Rules {
        Rules {
            check: match self.check {
                Level::Strict => Check::Strict,
                Level::Ingest => Check::Ingest,
                Level::Whole => Check::Whole,
            },
            format: match self.format {
                Format::Auto => FormatChoice::Auto,
                Format::Text => FormatChoice::Text,
                Format::OpenMetrics => FormatChoice::OpenMetrics,
                Format::Protobuf => FormatChoice::Protobuf,
            },
            allow_empty: false,
            final_newline: FinalNewline::Required,
        }
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_end(&mut body)?
    } else {
        File::open(file)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut body)?
    };
    if read as u64 > MAX_BYTES {
        return Err(io::Error::other(
            "larger than 1 GiB, the maximum of max_bytes",
        ));
    }
    Ok(body)
}
