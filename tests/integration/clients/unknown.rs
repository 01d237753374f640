//! Names that nobody has configured: they cost nothing, leave nothing, and whatever is in them
//! reaches no answer, no metric and no line of the log as it is.

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
/// What may be added to the resident memory by so many names, in bytes: less than a tenth of what
/// a series, a line or an actor for each of them would.
const MEMORY: f64 = 4.0 * 1_048_576.0;

/// The names of all series on `/metrics`, with their labels, without their values.
fn series(scene: &Scene) -> Vec<String> {
    let text = scene.exporter.get("/metrics").text();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let series = samples.filter_map(|line| line.rsplit_once(' '));
    series.map(|(series, _)| series.to_owned()).collect()
}

#[test]
fn ten_thousand_unknown_selectors_leave_nothing_behind() {
    let scene = Scene::start("", "5s");
    // Its file has been looked at, so all series are there.
    scene.assert_well();
    let resident = || scene.exporter.metric("process_resident_memory_bytes");
    let ask = |connection: &mut Connection, name: &str| {
        connection.ask(&format!("/bridge?selector={name}"));
        let reply = connection.reply();
        assert_eq!(reply.status, 404, "{}", reply.text());
    };
    let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| scene.connect()).collect();
    for connection in &mut connections {
        ask(connection, "nobody");
    }
    let descriptors = scene.exporter.descriptors();
    let (before, memory) = (series(&scene), resident().unwrap());
    std::thread::scope(|scope| {
        for (client, connection) in connections.iter_mut().enumerate() {
            scope.spawn(move || {
                for number in 0..NAMES / CONNECTIONS {
                    ask(connection, &format!("nobody-{client}-{number}"));
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
        assert!(!text.contains("nobody"), "{page}: {text}");
    }
    let log = scene.exporter.log();
    assert!(!log.iter().any(|line| line.contains("nobody")), "{log:?}");
    scene.assert_well();
}

/// Every control character there is, what opens and closes strings, and a line to be forged.
fn evil() -> String {
    let control = ('\0'..='\u{9f}').filter(|character| character.is_control());
    control
        .chain("\"'\\<&\u{1b}[31m\r\nforged level=ERROR\n".chars())
        .collect()
}

/// Each byte of a text by its number.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}

/// The requests by which such a text could get in: encoded in all places of a target, and in
/// headers also as it is, as far as no line ends with it.
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
            for target in ["/bridge?selector=it", "/bridge?selector=nobody", "/sd"] {
                request(target, &header);
            }
        }
    }
    requests
}

/// One request and all that comes back.
fn exchange(socket: &Path, request: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// No control character, but for the ends of lines; and no line that a client has made up.
#[track_caller]
fn assert_clean(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    for line in text.lines() {
        assert!(!line.contains(char::is_control), "{what}: {line:?}");
        assert!(!line.starts_with("forged"), "{what}: {text:?}");
    }
}

#[test]
fn what_clients_make_up_is_escaped_in_answers_metrics_and_logs() {
    for format in ["human", "logfmt", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let (socket, file) = (folder.path().join("sock"), folder.path().join("m.prom"));
        std::fs::write(&file, "a 1\n").unwrap();
        // Its log is json where nobody says otherwise.
        let program = program().get_program().to_owned();
        let script = format!("shift 4; set -- {program:?} serve --log.format {format} -v \"$@\"; ");
        let listen = format!("--web.listen-address=unix:{}", socket.display());
        let config = format!(
            "[bridge.selectors]\nit = {{ kind = \"file\", path = {} }}\n",
            quoted(&file)
        );
        let mut serving = Serving::start(by_shell(&script), &[&listen], &config);
        until("it listens", || UnixStream::connect(&socket).is_ok());
        for request in evil_requests() {
            let answer = exchange(&socket, &request);
            let request = String::from_utf8_lossy(&request);
            assert!(answer.starts_with(b"HTTP/1.1 "), "{request:?}");
            assert_clean(&request, &answer);
        }
        let metrics = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        assert_clean("/metrics", &exchange(&socket, metrics));
        serving.signal("TERM");
        assert_eq!(serving.ended().code(), Some(0));
        let log = serving.lines();
        for line in &log {
            assert_clean(format, line.as_bytes());
        }
        // It was read to its end, so all of it was text.
        assert!(log.iter().any(|line| line.contains("stopping")), "{log:?}");
        assert!(
            log.iter()
                .any(|line| line.contains("DEBUG") || line.contains("debug"))
        );
    }
}
