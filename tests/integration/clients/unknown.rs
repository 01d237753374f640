//! Requests with unknown selectors: they leave nothing behind, and their text reaches no response,
//! no metric and no log line without being escaped.

use super::Scene;
use super::connection::Connection;
use crate::serving::{Serving, by_shell};
use crate::support::{PATIENCE, program, quoted, until};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

const NAMES: usize = 10_000;
const CONNECTIONS: usize = 4;
/// The limit of the growth of the resident memory by all these names, in bytes: less than a tenth of what a
/// series, a log line or an actor for each of them would.
const MEMORY: f64 = 4.0 * 1_048_576.0;

/// The names of all series on `/metrics`, with their labels, without their values.
fn series(scene: &Scene) -> Vec<String> {
    let text = scene.exporter.get("/metrics").text();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let series = samples.filter_map(|line| line.rsplit_once(' '));
    series.map(|(series, _)| series.to_owned()).collect()
}

#[test]
fn ten_thousand_unknown_selectors_leak_nothing() {
    let scene = Scene::start("", "5s");
    // After the first scrape all series exist.
    scene.assert_well();
    let resident = || scene.exporter.metric("process_resident_memory_bytes");
    let request = |connection: &mut Connection, name: &str| {
        connection.request(&format!("/bridge?selector={name}"));
        let reply = connection.reply();
        assert_eq!(reply.status, 404, "{}", reply.text());
    };
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| scene.connect()).collect();
    for connection in &mut connections {
        request(connection, "stranger");
    }
    let descriptors = scene.exporter.descriptors();
    let (before, memory) = (series(&scene), resident().unwrap());
    std::thread::scope(|scope| {
        for (client, connection) in connections.iter_mut().enumerate() {
            scope.spawn(move || {
                for number in 0..NAMES / CONNECTIONS {
                    request(connection, &format!("stranger-{client}-{number}"));
                }
            });
        }
    });
    let after = resident().unwrap();
    println!("{} series, {} bytes more", before.len(), after - memory);
    assert_eq!(series(&scene), before);
    assert!(after <= memory + MEMORY, "{memory} bytes, then {after}");
    until("no descriptor is left", || {
        scene.exporter.descriptors() <= descriptors
    });
    let rejected = "local_exporter_bridge_rejected_requests_total{reason=\"unknown_selector\"}";
    assert_eq!(scene.exporter.metric(rejected), Some(10_004.0));
    for page in ["/metrics", "/debug/actors", "/"] {
        let text = scene.exporter.get(page).text();
        assert!(!text.contains("stranger"), "{page}: {text}");
    }
    let log = scene.exporter.log();
    assert!(!log.iter().any(|line| line.contains("stranger")), "{log:?}");
    scene.assert_well();
}

/// All control characters, quotes, and a forged log line.
fn evil() -> String {
    let control = ('\0'..='\u{9f}').filter(|character| character.is_control());
    control
        .chain("\"'\\<&\u{1b}[31m\r\nforged level=ERROR\n".chars())
        .collect()
}

/// Percent-encodes every byte of a text.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}

/// Requests with such a text: encoded in all parts of the target, and unencoded in headers as far
/// as it does not end the line.
fn evil_requests() -> Vec<Vec<u8>> {
    let evil = encoded(&evil());
    let mut requests = Vec::new();
    let mut request = |target: &str, header: &[u8]| {
        let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        requests.push([head.as_bytes(), header, b"\r\n\r\n"].concat());
    };
    for target in [
        format!("/bridge?selector={evil}"),
        format!("/bridge?selector={evil}&debug=true"),
        format!("/bridge?selector=it&{evil}={evil}"),
        format!("/bridge?selector=it&selector={evil}"),
        format!("/{evil}"),
        format!("/bridge/{evil}?{evil}"),
        format!("/debug/actors?{evil}"),
        "/bridge?selector=%FF%9B%C2".to_owned(),
    ] {
        request(&target, b"X: y");
    }
    for name in [
        "User-Agent",
        "X-Prometheus-Scrape-Timeout-Seconds",
        "Accept",
        "Accept-Encoding",
        "Authorization",
        "Referer",
        "X-Forwarded-For",
        "X-Forwarded-Host",
    ] {
        for value in [
            evil.as_bytes(),
            b"\"\\'<&",
            b"\xff\x9b31m\xc2\x9b",
            b"\x1b[31m",
            b"a\rforged",
            b"\0",
            b"\x7f\t",
        ] {
            let header = [name.as_bytes(), b": ", value].concat();
            for target in ["/bridge?selector=it", "/bridge?selector=stranger", "/sd"] {
                request(target, &header);
            }
        }
    }
    requests
}

/// Sends a request; returns everything that is received.
fn exchange(socket: &Path, request: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    response
}

/// Asserts that there are no control characters except line ends, and no forged line.
#[track_caller]
fn assert_clean(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    for line in text.lines() {
        assert!(!line.contains(char::is_control), "{what}: {line:?}");
        assert!(!line.starts_with("forged"), "{what}: {text:?}");
    }
}

#[test]
fn text_of_clients_is_escaped_in_responses_metrics_and_logs() {
    for format in ["human", "logfmt", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let (socket, file) = (folder.path().join("sock"), folder.path().join("m.prom"));
        std::fs::write(&file, "a 1\n").unwrap();
        // `Serving` sets the format json; this replaces it.
        let program = program().get_program().to_owned();
        let script = format!("shift 4; set -- {program:?} serve --log.format {format} -v \"$@\"; ");
        let listen = format!("--web.listen-address=unix:{}", socket.display());
        let config = format!(
            "[bridge.selectors]\nit = {{ kind = \"file\", path = {} }}\n",
            quoted(&file)
        );
        let mut serving = Serving::start(by_shell(&script), &[&listen], &config);
        until("the socket accepts connections", || {
            UnixStream::connect(&socket).is_ok()
        });
        for request in evil_requests() {
            let response = exchange(&socket, &request);
            let request = String::from_utf8_lossy(&request);
            assert!(response.starts_with(b"HTTP/1.1 "), "{request:?}");
            assert_clean(&request, &response);
        }
        let metrics = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        assert_clean("/metrics", &exchange(&socket, metrics));
        serving.signal("TERM");
        assert_eq!(serving.ended().code(), Some(0));
        let log = serving.lines();
        for line in &log {
            assert_clean(format, line.as_bytes());
        }
        // The reader stops at the first line that is not UTF-8, so all lines were.
        assert!(log.iter().any(|line| line.contains("stopping")), "{log:?}");
        assert!(
            log.iter()
                .any(|line| line.contains("DEBUG") || line.contains("debug"))
        );
    }
}
