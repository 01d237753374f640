//! Kind `uds` with correct and incorrect daemons.

use crate::support::{Exporter, exposition, quoted};
use local_exporter_daemons::fault::{Behaviour, GARBAGE};
use local_exporter_daemons::promsock::PromSock;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::path::PathBuf;
use tempfile::TempDir;

fn exporter(more: &str) -> (Exporter, PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("metrics.promsock");
    let path = quoted(&socket);
    let config = format!("[bridge.selectors]\nit = {{ kind = \"uds\", path = {path}{more} }}\n");
    (Exporter::start(&config), socket, folder)
}

#[test]
fn the_body_equals_the_bytes_that_the_daemon_wrote() {
    let (exporter, socket, _folder) = exporter("");
    let daemon = PromSock::bind(&socket, exposition()).unwrap();
    for _ in 0..10 {
        let reply = exporter.scrape("it");
        assert_eq!(reply.status, 200);
        assert_eq!(Some(reply.body), daemon.last_served());
    }
    assert_eq!(exporter.actor("it")["failures"], 0);
}

#[test]
fn bytes_that_are_no_exposition_pass_only_without_a_check() {
    let (strict, socket, _folder) = exporter("");
    let _daemon = ScriptedDaemon::start(&socket, Behaviour::Garbage).unwrap();
    strict.scrape("it").assert_error(502, "it", "truncated");
    let (lenient, socket, _folder) = exporter(", check = \"none\"");
    let _daemon = ScriptedDaemon::start(&socket, Behaviour::Garbage).unwrap();
    assert_eq!(lenient.scrape("it").body, GARBAGE);
}

#[test]
fn a_daemon_that_speaks_http_is_reported_as_such() {
    let (exporter, socket, _folder) = exporter("");
    let answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_vec();
    let _daemon = ScriptedDaemon::start(&socket, Behaviour::Serve(answer)).unwrap();
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "malformed");
    assert!(
        reply.text().contains("this daemon speaks HTTP"),
        "{}",
        reply.text()
    );
}

#[test]
fn a_change_of_the_source_is_logged_once() {
    let (exporter, socket, _folder) = exporter("");
    for _ in 0..5 {
        exporter.scrape("it").assert_error(502, "it", "absent");
    }
    let _daemon = PromSock::bind(&socket, exposition()).unwrap();
    for _ in 0..5 {
        assert_eq!(exporter.scrape("it").status, 200);
    }
    let lines = |what: &str| {
        let log = exporter.log();
        log.iter()
            .filter(|line| line.contains(what))
            .cloned()
            .collect::<Vec<_>>()
    };
    crate::support::until("the recovery is logged", || {
        !lines("source recovered").is_empty()
    });
    let failed = lines("source failed");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].contains("\"selector\":\"it\""), "{failed:?}");
    let again = lines("source recovered");
    assert_eq!(again.len(), 1, "{again:?}");
    assert!(again[0].contains("\"failures\":5"), "{again:?}");
}

#[test]
fn a_bare_directory_prefers_its_socket_and_follows_each_change() {
    let folder = tempfile::tempdir().unwrap();
    let public = folder.path().join("not/yet/there");
    let config = format!("[bridge.selectors]\nit = {}\n", quoted(&public));
    let exporter = Exporter::start(&config);
    exporter.scrape("it").assert_error(502, "it", "absent");
    assert_eq!(exporter.actor("it")["kind"], "directory");

    std::fs::create_dir_all(&public).unwrap();
    exporter.scrape("it").assert_error(502, "it", "absent");
    std::fs::write(public.join("b.promfile"), "b 1\n").unwrap();
    std::fs::write(public.join(".hidden.prom"), "hidden 1\n").unwrap();
    std::fs::write(public.join("c.prom.tmp"), "temporary 1\n").unwrap();
    let serves = |body: &str| {
        crate::support::until(body, || exporter.scrape("it").body == body.as_bytes());
    };
    serves("b 1\n");
    std::fs::write(public.join("a.prom"), "a 1\n").unwrap();
    serves("a 1\nb 1\n");

    let socket = public.join("metrics.promsock");
    let daemon = ScriptedDaemon::start(&socket, Behaviour::Serve(b"s 1\n".to_vec())).unwrap();
    assert_eq!(
        exporter.scrape("it").body,
        b"s 1\n",
        "at the very next scrape"
    );
    drop(daemon);
    serves("a 1\nb 1\n");
    std::fs::remove_file(public.join("a.prom")).unwrap();
    serves("b 1\n");
}
