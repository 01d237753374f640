//! `node_exporter` with only its textfile collector: it parses the file and writes it again each
//! time.

use super::{Contender, Server};
use crate::Outcome;
use crate::cell::Cell;
use crate::fetch::Likeness;
use crate::load::Paths;
use crate::process::{Process, free_port};
use crate::scene::Scene;
use std::process::{Command, Stdio};

pub(super) fn contender(scene: &Scene, cell: Cell) -> Outcome<Option<Contender>> {
    let Some(program) = &scene.programs.node_exporter else {
        return Ok(None);
    };
    let server_folder = scene.server_folder()?;
    let port = free_port()?;
    let folder = scene.series_folder(cell.series)?;
    let mut command = Command::new(program);
    command
        .args(["--collector.disable-defaults", "--collector.textfile"])
        .arg(format!(
            "--collector.textfile.directory={}",
            folder.display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        // Any number of clients, and none of its own metrics.
        .args(["--web.max-requests=0", "--web.disable-exporter-metrics"])
        .stderr(Stdio::null());
    let mut process = Process::spawn("node_exporter", &mut command)?;
    process.listening(port, &scene.interrupt)?;
    Ok(Some(Contender {
        server: Server::NodeExporter,
        process,
        port,
        paths: Paths::One("/metrics".to_owned()),
        likeness: Likeness::Samples,
        _folder: server_folder,
    }))
}
