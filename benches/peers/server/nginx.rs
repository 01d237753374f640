//! nginx with the same bytes in a file: two workers like the exporter, sendfile, no access log, and
//! a location with gzip on the fly at level 1. Everything else is its default.

use super::{Contender, Server};
use crate::Outcome;
use crate::cell::{Cell, Encoding};
use crate::fetch::Likeness;
use crate::load::Paths;
use crate::process::{Process, free_port};
use crate::scene::Scene;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

pub(super) fn contender(scene: &Scene, cell: Cell) -> Outcome<Option<Contender>> {
    let Some(program) = &scene.programs.nginx else {
        return Ok(None);
    };
    let server_folder = scene.server_folder()?;
    let port = free_port()?;
    let config = server_folder.path().join("nginx.conf");
    fs::write(
        &config,
        configuration(port, &scene.series_folder(cell.series)?),
    )?;
    let log = server_folder.path().join("log");
    let mut command = Command::new(program);
    command
        .arg("-p")
        .arg(server_folder.path())
        .arg("-c")
        .arg(&config)
        .arg("-e")
        .arg(&log)
        .stderr(File::create(server_folder.path().join("stderr"))?);
    let mut process = Process::spawn("nginx", &mut command)?;
    process
        .listening(port, &scene.interrupt)
        .map_err(|error| format!("{error}: {}", fs::read_to_string(&log).unwrap_or_default()))?;
    let location = match cell.requested {
        Encoding::Plain => "plain",
        Encoding::Gzip => "gzip",
    };
    Ok(Some(Contender {
        server: Server::Nginx,
        process,
        port,
        paths: Paths::One(format!("/{location}/metrics.prom")),
        likeness: Likeness::Bytes,
        _folder: server_folder,
    }))
}

fn configuration(port: u16, root: &Path) -> String {
    let root = root.display();
    format!(
        "daemon off;
worker_processes 2;
pid nginx.pid;
error_log log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    default_type text/plain;
    client_body_temp_path temporary-body;
    proxy_temp_path temporary-proxy;
    fastcgi_temp_path temporary-fastcgi;
    uwsgi_temp_path temporary-uwsgi;
    scgi_temp_path temporary-scgi;
    server {{
        listen 127.0.0.1:{port};
        location /plain/ {{ alias {root}/; }}
        location /gzip/ {{
            alias {root}/;
            gzip on;
            gzip_comp_level 1;
            gzip_types *;
            gzip_min_length 1;
        }}
    }}
}}
"
    )
}
