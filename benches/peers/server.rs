//! The servers that are compared, each configured as its users would.

pub(crate) mod exporter;
mod exporter_exporter;
mod nginx;
mod node_exporter;

use crate::Outcome;
use crate::cell::{Case, Cell, Encoding};
use crate::fetch::{self, Likeness, Response};
use crate::load::Paths;
use crate::process::Process;
use crate::scene::{Scene, Servers};
use crate::source::Source;
use std::fmt;
use tempfile::TempDir;

/// The subject of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Exporter,
    Nginx,
    NodeExporter,
    ExporterExporter,
    /// No server: the lower bound of reading the source.
    PullLoop,
}

impl Server {
    /// Whether it reads the source.
    pub(crate) fn reads_the_source(self) -> bool {
        matches!(self, Self::Exporter | Self::ExporterExporter)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Exporter => "**local-exporter**",
            Self::Nginx => "nginx",
            Self::NodeExporter => "node_exporter",
            Self::ExporterExporter => "exporter_exporter",
            Self::PullLoop => "bare pull loop",
        })
    }
}

/// A server that listens.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) server: Server,
    pub(crate) process: Process,
    pub(crate) port: u16,
    pub(crate) paths: Paths,
    likeness: Likeness,
    _folder: TempDir,
}

impl Contender {
    /// Fails if the response is not the expected one.
    pub(crate) fn compare(&self, requested: Encoding, expected: &[u8]) -> Outcome<Response> {
        let page = (self.port, &*self.paths.first());
        fetch::compare(page, requested, expected, self.likeness)
    }
}

/// Starts the servers that are installed and support this case.
pub(crate) fn contenders(scene: &Scene, source: &Source, cell: Cell) -> Outcome<Vec<Contender>> {
    let mut found = vec![exporter::contender(scene, source, cell)?];
    found.extend(nginx::contender(scene, cell)?);
    if scene.servers == Servers::All {
        if cell.case == Case::File {
            found.extend(node_exporter::contender(scene, cell)?);
        }
        found.extend(exporter_exporter::contender(scene, source)?);
    }
    Ok(found)
}
