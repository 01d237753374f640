//! A daemon that serves its metrics as a D-Bus method on the system bus.
//!
//! Owns `com.github.lucab.Prombus` until SIGTERM or SIGINT, and ends with status 1 and a message if
//! the bus refuses the name or goes away, so that a supervisor can restart it. Serves none of the
//! faults.

use clap::Parser;
use local_exporter_daemons::prombus::{On, Service};
use local_exporter_daemons::registry::Metrics;
use local_exporter_daemons::stop::StopSignal;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

/// Serves metrics as com.github.lucab.Prombus.Observable.PromMetrics on a message bus.
#[derive(Debug, Parser)]
#[command(name = "prombus")]
struct Arguments {
    /// The D-Bus address of a bus to use in place of the system bus.
    #[arg(long, value_name = "unix:path=…")]
    address: Option<String>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If the message cannot be written, the status still reports the failure.
            let _ = writeln!(io::stderr().lock(), "prombus: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let metrics = Metrics::new("prombus")?;
    let on = arguments.address.map_or(On::System, On::Address);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(on, metrics))
}

async fn serve(on: On, metrics: Metrics) -> Result<(), Box<dyn Error>> {
    let mut stop = StopSignal::new()?;
    let service = Service::start(&on, false, move || metrics.text()).await?;
    tokio::select! {
        () = stop.received() => {}
        () = service.closed() => return Err("the bus has ended the connection".into()),
    }
    service.stop().await;
    Ok(())
}
