//! Compressed responses: only for clients that accept gzip, and lossless.

use crate::support::{Exporter, Reply, get, quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::io::Read;
use std::path::Path;

fn body(series: usize) -> Vec<u8> {
    let line = |n| format!("a_total{{series=\"{n}\"}} {n}\n");
    (0..series).map(line).collect::<String>().into_bytes()
}

fn exporter(folder: &Path) -> Exporter {
    Exporter::start(&format!(
        "[bridge.selectors]\nfile = {{ kind = \"file\", path = {} }}\nsocket = {{ kind = \"uds\", path = {} }}\n",
        quoted(&folder.join("m.prom")),
        quoted(&folder.join("sock")),
    ))
}

fn request(exporter: &Exporter, path: &str, encodings: &str) -> Reply {
    get(&exporter.url(path), &[("Accept-Encoding", encodings)])
}

fn decompress(reply: &Reply) -> Vec<u8> {
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let mut plain = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(&*reply.body);
    reader.read_to_end(&mut plain).unwrap();
    plain
}

#[test]
fn responses_are_compressed_for_clients_that_accept_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.prom");
    // Compressed inline, and on the blocking pool.
    for series in [400, 40_000] {
        std::fs::write(&path, body(series)).unwrap();
        let serves = Behaviour::Serve(body(series));
        let _daemon = ScriptedDaemon::start(folder.path().join("sock"), serves).unwrap();
        let exporter = exporter(folder.path());
        for selector in ["file", "socket"] {
            let path = format!("/bridge?selector={selector}");
            for _ in 0..2 {
                let reply = request(&exporter, &path, "gzip");
                assert_eq!(reply.status, 200);
                assert_eq!(decompress(&reply), body(series));
                assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
                let length = reply.body.len().to_string();
                assert_eq!(reply.header("content-length"), Some(&*length));
                assert!(reply.body.len() < body(series).len() / 3);
            }
            for encodings in ["identity", "br", "gzip;q=0"] {
                let reply = request(&exporter, &path, encodings);
                assert_eq!(reply.header("content-encoding"), None, "{encodings}");
                assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
                assert_eq!(reply.body, body(series));
            }
        }
    }
}

#[test]
fn small_bodies_and_errors_are_not_compressed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.prom"), "a 1\n").unwrap();
    let exporter = exporter(folder.path());
    let small = request(&exporter, "/bridge?selector=file", "gzip");
    assert_eq!(
        (small.text().as_str(), small.header("content-encoding")),
        ("a 1\n", None)
    );
    let error = request(&exporter, "/bridge?selector=socket", "gzip");
    error.assert_error(502, "socket", "absent");
    assert_eq!(error.header("content-encoding"), None);
}

#[test]
fn a_new_body_is_compressed_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.prom");
    std::fs::write(&path, body(500)).unwrap();
    let exporter = exporter(folder.path());
    let get = || decompress(&request(&exporter, "/bridge?selector=file", "gzip"));
    assert_eq!(get(), body(500));
    std::fs::write(folder.path().join(".new"), body(600)).unwrap();
    std::fs::rename(folder.path().join(".new"), &path).unwrap();
    until("the new body is served", || get() == body(600));
}

#[test]
fn pages_are_compressed_too() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = exporter(folder.path());
    let metrics = decompress(&request(&exporter, "/metrics", "gzip"));
    assert!(
        String::from_utf8(metrics)
            .unwrap()
            .contains("local_exporter_build_info")
    );
    assert!(
        exporter
            .get("/metrics")
            .text()
            .contains("local_exporter_build_info")
    );
}
