//! `exporter_exporter`, which reads neither files nor sockets: it runs cat(1) or socat(1), parses
//! their output and writes it again in its own order.

use super::{Contender, Server};
use crate::Outcome;
use crate::fetch::Likeness;
use crate::load::Paths;
use crate::process::{Process, free_port};
use crate::scene::Scene;
use crate::source::Source;
use std::fs;
use std::process::{Command, Stdio};

pub(super) fn contender(scene: &Scene, source: &Source) -> Outcome<Option<Contender>> {
    let (Some(program), Some((reader, arguments))) =
        (&scene.programs.exporter_exporter, reader(scene, source))
    else {
        return Ok(None);
    };
    let server_folder = scene.server_folder()?;
    let port = free_port()?;
    let config = server_folder.path().join("modules.yml");
    let text = format!(
        "modules:\n  it:\n    method: exec\n    timeout: 60s\n    exec:\n      \
         command: {reader}\n      args: {arguments:?}\n"
    );
    fs::write(&config, text)?;
    let mut command = Command::new(program);
    command
        .arg("-config.file")
        .arg(&config)
        .args(["-web.listen-address", &format!("127.0.0.1:{port}")])
        .stderr(Stdio::null());
    let mut process = Process::spawn("exporter_exporter", &mut command)?;
    process.listening(port, &scene.interrupt)?;
    Ok(Some(Contender {
        server: Server::ExporterExporter,
        process,
        port,
        paths: Paths::One("/proxy?module=it".to_owned()),
        likeness: Likeness::Samples,
        _folder: server_folder,
    }))
}

/// The program that reads such a source, and its arguments.
fn reader(scene: &Scene, source: &Source) -> Option<(String, Vec<String>)> {
    match source {
        Source::File { path } => Some(("/bin/cat".to_owned(), vec![path.display().to_string()])),
        Source::Uds { socket, .. } => {
            let program = scene.programs.socat.as_ref()?.display().to_string();
            let from = format!("UNIX-CONNECT:{}", socket.display());
            Some((program, vec!["-u".to_owned(), from, "-".to_owned()]))
        }
        // The tools for a bus do not print an exposition.
        Source::Dbus { .. } => None,
    }
}
