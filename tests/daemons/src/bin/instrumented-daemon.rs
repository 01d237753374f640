//! A daemon that writes its metrics to a file every few seconds and serves them on a socket.
//!
//! Replaces the file by a rename only, serves one exposition per connection, removes its socket
//! when it is stopped by SIGTERM or SIGINT (the file stays, as with a real daemon), and ends with
//! status 1 and a message if it cannot continue. Creates no directories.

use clap::Parser;
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::promsock::PromSock;
use local_exporter_daemons::registry::Metrics;
use local_exporter_daemons::stop::StopSignal;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Writes metrics to a file and serves them on a unix socket.
#[derive(Debug, Parser)]
#[command(name = "instrumented-daemon")]
struct Arguments {
    /// The file to write; its directory must exist.
    #[arg(default_value = "/run/daemon1/public/metrics.promfile")]
    promfile: PathBuf,
    /// The socket to serve on; its directory must exist.
    #[arg(default_value = "/run/daemon2/public/metrics.promsock")]
    promsock: PathBuf,
    /// Seconds between two writes of the file.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: u64,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If the message cannot be written, the status still reports the failure.
            let _ = writeln!(io::stderr().lock(), "instrumented-daemon: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let metrics = Metrics::new("instrumented_daemon")?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(arguments, metrics))
}

async fn serve(arguments: Arguments, metrics: Metrics) -> Result<(), Box<dyn Error>> {
    let mut stop = StopSignal::new()?;
    let file = PromFile::new(arguments.promfile);
    let for_socket = metrics.clone();
    // Unlinked whenever this function returns.
    let _socket = PromSock::bind(arguments.promsock, move || for_socket.text())?;
    let mut writes = tokio::time::interval(Duration::from_secs(arguments.every));
    // After a suspension of the host one write is due, not all that were missed.
    writes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.received() => return Ok(()),
            _ = writes.tick() => file.write(&metrics.text())?,
        }
    }
}
