//! local-exporter, with only selectors in its configuration.

use super::{Contender, Server};
use crate::Outcome;
use crate::cell::{Case, Cell};
use crate::fetch::{Likeness, is_well};
use crate::load::Paths;
use crate::process::{Process, free_port};
use crate::scene::Scene;
use crate::source::Source;
use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The path and query before the name of a selector.
pub(crate) const PATH: &str = "/bridge?selector=";
/// How long it may take to become ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// The number of selectors per connection, which scrapes them in turn.
const SPREAD: usize = 2;

/// A running exporter.
#[derive(Debug)]
pub(crate) struct Exporter {
    pub(crate) process: Process,
    pub(crate) port: u16,
    server_folder: TempDir,
}

impl Exporter {
    /// Starts it with these lines of `[bridge.selectors]`, without waiting.
    pub(crate) fn launch(scene: &Scene, selectors: &str) -> Outcome<Self> {
        let server_folder = scene.server_folder()?;
        let port = free_port()?;
        let config = server_folder.path().join("config.toml");
        let text = format!(
            "[service]\naddress = \"127.0.0.1\"\nport = {port}\n\
             [bridge.defaults]\nmax_in_flight = 256\n[bridge.selectors]\n{selectors}"
        );
        fs::write(&config, text)?;
        let log = File::create(server_folder.path().join("log"))?;
        let mut command = Command::new(&scene.exporter);
        command
            .args(["serve", "--config"])
            .arg(&config)
            .current_dir(server_folder.path())
            .stderr(log);
        let process = Process::spawn("local-exporter", &mut command)?;
        Ok(Self {
            process,
            port,
            server_folder,
        })
    }

    /// Starts it and waits until all its selectors have started.
    pub(crate) fn start(scene: &Scene, selectors: &str) -> Outcome<Self> {
        let mut exporter = Self::launch(scene, selectors)?;
        let listening = exporter.process.listening(exporter.port, &scene.interrupt);
        listening.map_err(|error| format!("{error}: {}", exporter.log()))?;
        exporter.wait_for("/-/ready", scene)?;
        Ok(exporter)
    }

    /// Waits until a path has status 200.
    pub(crate) fn wait_for(&self, path: &str, scene: &Scene) -> Outcome<()> {
        let end = Instant::now() + PATIENCE;
        while !is_well(self.port, path) {
            if Instant::now() > end {
                return Err(format!("no successful response at {path}: {}", self.log()).into());
            }
            scene.interrupt.pause(Duration::from_micros(200))?;
        }
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.server_folder.path().join("log")).unwrap_or_default()
    }
}

/// One selector for a file. For the others so many that two connections rarely scrape the same one
/// at once, since overlapping scrapes of one selector share a pull.
pub(super) fn contender(scene: &Scene, source: &Source, cell: Cell) -> Outcome<Contender> {
    let count = match cell.case {
        Case::Uds | Case::Dbus if cell.connections > 1 => cell.connections * SPREAD,
        Case::File | Case::Uds | Case::Dbus => 1,
    };
    let selectors: String = (0..count)
        .map(|number| source.selector(&format!("s{number}")))
        .collect();
    let Exporter {
        process,
        port,
        server_folder,
    } = Exporter::start(scene, &selectors)?;
    let paths = match count {
        1 => Paths::One(format!("{PATH}s0")),
        _ => Paths::Many {
            prefix: format!("{PATH}s"),
            count,
        },
    };
    Ok(Contender {
        server: Server::Exporter,
        process,
        port,
        paths,
        likeness: Likeness::Bytes,
        _folder: server_folder,
    })
}
