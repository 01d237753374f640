//! The source of each case, and the lower bound of reading it.

use crate::Outcome;
use crate::cell::Case;
use crate::daemon::{Daemon, role};
use crate::process::output_of;
use crate::scene::Scene;
use local_exporter_daemons::bus::Bus;
use local_exporter_daemons::prombus::{INTERFACE, METHOD, NAME, PATH};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// A running source.
#[derive(Debug)]
pub(crate) enum Source {
    File {
        path: PathBuf,
    },
    Uds {
        socket: PathBuf,
        daemon: Daemon,
        _folder: TempDir,
    },
    Dbus {
        bus: Bus,
        daemon: Daemon,
    },
}

impl Source {
    pub(crate) fn start(scene: &Scene, case: Case, series: usize) -> Outcome<Self> {
        match case {
            Case::File => Ok(Self::File {
                path: scene.series_folder(series)?.join("metrics.prom"),
            }),
            Case::Uds => {
                let server_folder = scene.server_folder()?;
                let options = ["--series", &series.to_string()];
                Ok(Self::Uds {
                    daemon: Daemon::on_sockets(server_folder.path(), &options)?,
                    socket: server_folder.path().join("0"),
                    _folder: server_folder,
                })
            }
            Case::Dbus => {
                let bus = Bus::start()?;
                let daemon = Daemon::on_bus(&bus.address(), series)?;
                Ok(Self::Dbus { bus, daemon })
            }
        }
    }

    /// A line of the exporter's configuration that reads it.
    pub(crate) fn selector(&self, name: &str) -> String {
        match self {
            Self::File { path } => file_selector(name, path),
            Self::Uds { socket, .. } => uds_selector(name, socket),
            Self::Dbus { bus, .. } => format!(
                "{name} = {{ kind = \"dbus\", bus = \"{}\", destination = \"{NAME}\", \
                 method = \"{INTERFACE}.{METHOD}\", path = \"{PATH}\" }}\n",
                bus.address()
            ),
        }
    }

    /// How often it was read so far, if that is counted.
    pub(crate) fn pulls(&mut self) -> Outcome<Option<u64>> {
        match self {
            Self::File { .. } => Ok(None),
            Self::Uds { daemon, .. } | Self::Dbus { daemon, .. } => {
                Ok(Some(daemon.counts()?.pulls))
            }
        }
    }

    /// Waits until no disconnected client is still being served.
    pub(crate) fn calm(&self, scene: &Scene) -> Outcome<()> {
        match self {
            Self::File { .. } => Ok(()),
            Self::Uds { daemon, .. } | Self::Dbus { daemon, .. } => {
                daemon.process.calm(&scene.interrupt)
            }
        }
    }

    /// Runs the bare loop for a round; returns the number of pulls and the processor time of their
    /// client.
    pub(crate) fn pull_in_a_loop(&self, scene: &Scene) -> Outcome<Option<(u64, Duration)>> {
        let mut command = role()?;
        match self {
            Self::File { .. } => return Ok(None),
            Self::Uds { socket, .. } => command.arg("pull-uds").arg(socket),
            Self::Dbus { bus, .. } => command.args(["pull-dbus", &bus.address()]),
        };
        command.arg(scene.seconds.to_string());
        let runs = Duration::from_secs(scene.seconds);
        let text = output_of("the pull loop", &mut command, runs, &scene.interrupt)?;
        let mut numbers = text
            .split_whitespace()
            .map_while(|number| number.parse().ok());
        match (numbers.next(), numbers.next()) {
            (Some(pulls), Some(micros)) => Ok(Some((pulls, Duration::from_micros(micros)))),
            _ => Err(format!("the pull loop says {text:?}").into()),
        }
    }
}

/// A line of the exporter's configuration for a file.
pub(crate) fn file_selector(name: &str, path: &Path) -> String {
    format!("{name} = {{ kind = \"file\", path = {path:?} }}\n")
}

/// A line of the exporter's configuration for a socket.
pub(crate) fn uds_selector(name: &str, path: &Path) -> String {
    format!("{name} = {{ kind = \"uds\", path = {path:?} }}\n")
}
