//! A demonstration of the exporter with three daemons: `cargo run -p local-exporter-demo [-- --port
//! N]`.
//!
//! Starts a private message bus, a daemon on it, a daemon on a unix socket and one that rewrites a
//! file, all in temporary directories; then the exporter, in the same process, with a configuration
//! that it prints. Ctrl-C ends everything and leaves nothing behind. Needs only the Rust toolchain
//! and `dbus-daemon`.

#![allow(clippy::print_stdout, reason = "this program prints what to open")]

use clap::Parser;
use local_exporter::{
    Listener, Log, LoggingMode, LoggingOptions, Reloader, Start, bind, run, start_logging,
};
use local_exporter_config::{DropInState, Environment, Input, Loaded, Settings, load};
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::promsock::PromSock;
use local_exporter_daemons::registry::Metrics;
use local_exporter_daemons::stop::StopSignal;
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tempfile::TempDir;

/// How often the daemon with a file rewrites it.
const REWRITE: Duration = Duration::from_secs(3);

/// Starts local-exporter with three daemons to try it out.
#[derive(Debug, Parser)]
struct Arguments {
    /// The port to listen on, on 127.0.0.1; 0 chooses a free one.
    #[arg(long, default_value_t = 9598)]
    port: u16,
    #[command(flatten)]
    logging: LoggingOptions,
}

/// The three daemons. Dropping them ends them and removes their files.
#[derive(Debug)]
struct Daemons {
    file: PromFile,
    file_metrics: Metrics,
    socket: PromSock,
    _prombus: Prombus,
    bus: Bus,
    _folder: TempDir,
}

impl Daemons {
    fn start() -> Result<Self, Box<dyn Error>> {
        let bus = BusOptions::new().kind(BusKind::System).start()?;
        let metrics = Metrics::new("prombus")?;
        let prombus = Prombus::start(&bus.address(), move || metrics.text())?;

        let folder = tempfile::Builder::new()
            .prefix("local-exporter-demo-")
            .tempdir()?;
        let file = PromFile::new(folder.path().join("metrics.promfile"));
        let file_metrics = Metrics::new("instrumented_daemon")?;
        // Written before the exporter reads it, so that the demonstration does not begin with an
        // error.
        file.write(&file_metrics.text())?;
        let metrics = Metrics::new("instrumented_daemon")?;
        let socket = PromSock::bind(folder.path().join("metrics.promsock"), move || {
            metrics.text()
        })?;
        Ok(Self {
            file,
            file_metrics,
            socket,
            _prombus: prombus,
            bus,
            _folder: folder,
        })
    }

    /// Writes the file until that fails.
    async fn rewrite(&self) -> io::Result<()> {
        let mut ticks = tokio::time::interval(REWRITE);
        loop {
            ticks.tick().await;
            self.file.write(&self.file_metrics.text())?;
        }
    }

    /// The configuration for these daemons.
    fn configuration(&self, port: u16) -> String {
        let quoted = |path: &Path| format!("{:?}", path.to_string_lossy());
        format!(
            r#"[service]
listen = "127.0.0.1:{port}"

[bridge]
dbus_system_bus_address = "{bus}"

[bridge.selectors]
daemon1 = {{ kind = "file", path = {file} }}
daemon2 = {{ kind = "uds", path = {socket} }}

[bridge.selectors.daemon3]
kind = "dbus"
bus = "system"
destination = "{name}"
method = "{interface}.{method}"
path = "{path}"
"#,
            bus = self.bus.address(),
            file = quoted(self.file.path()),
            socket = quoted(self.socket.path()),
            name = prombus::NAME,
            interface = prombus::INTERFACE,
            method = prombus::METHOD,
            path = prombus::PATH,
        )
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let log = match start_logging(&arguments.logging, LoggingMode::Service) {
        Ok(log) => log,
        // Without standard error there is no place for a message.
        Err(_) => return ExitCode::FAILURE,
    };
    let _flush = log.flush_at_end();
    match actix_rt::System::new().block_on(demonstrate(arguments.port, log)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If the message cannot be written, the status still reports the failure.
            let _ = writeln!(io::stderr().lock(), "demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn demonstrate(port: u16, log: Log) -> Result<(), Box<dyn Error>> {
    // Before anything else, so that Ctrl-C never leaves anything behind.
    let mut stop = StopSignal::new()?;
    let stopped = async move { stop.received().await };

    let daemons = Daemons::start()?;
    let text = daemons.configuration(port);
    let input = Input {
        name: "the demo's configuration".to_owned(),
        text,
    };
    let settings = load(Some(&input), &Environment::new())?;
    let bound = bind(&settings.service.listeners);
    let listeners = bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!("{error}; choose another port with --port N"),
        _ => error.to_string(),
    })?;
    println!("The configuration:\n\n{}", input.text);
    show_what_to_open(&listeners, &settings)?;

    let start = Start {
        log,
        loaded: Loaded {
            settings,
            text: input.text,
            warnings: Vec::new(),
            writable: Vec::new(),
            drop_ins: DropInState::default(),
            hash: String::new(),
            files: Vec::new(),
        },
        listeners,
        // The configuration is not in a file.
        reloader: Reloader::disabled(),
        service_manager: None,
    };
    tokio::select! {
        served = run(start, stopped) => served?,
        failed = daemons.rewrite() => failed?,
    }
    Ok(())
}

fn show_what_to_open(listeners: &[Listener], settings: &Settings) -> io::Result<()> {
    let Some(Listener::Tcp(listener)) = listeners.first() else {
        return Err(io::Error::other("the demo listens on a TCP port"));
    };
    let base = format!("http://{}", listener.local_addr()?);
    println!("open {base}/ in a browser, or request one of these URLs:\n");
    for selector in &settings.selectors {
        let (name, kind) = (&selector.name, selector.source.kind());
        println!("  {base}/bridge?selector={name}  a daemon of kind {kind}");
    }
    println!("  {base}/sd                       the targets, for Prometheus' service discovery");
    println!("  {base}/metrics                  metrics of the exporter itself");
    println!("  {base}/debug/actors             the state of every selector\n");
    println!("Stop with Ctrl-C.\n");
    Ok(())
}
