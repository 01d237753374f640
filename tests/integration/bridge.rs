//! `/bridge`: invalid requests, deadlines, and the form of responses.

mod in_flight;

use crate::clients::connection::Connection;
use crate::support::{Exporter, PATIENCE, get, quoted, raw, request};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::io::{Read, Write};
use std::net::TcpStream;
use tempfile::TempDir;

/// An exporter with one `uds` selector called `it`, and the daemon behind it.
fn bridge(behaviour: Behaviour, more: &str) -> (Exporter, ScriptedDaemon, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let daemon = ScriptedDaemon::start(&socket, behaviour).unwrap();
    let path = quoted(&socket);
    let config = format!("[bridge.selectors]\nit = {{ kind = \"uds\", path = {path}, {more} }}\n");
    (Exporter::start(&config), daemon, folder)
}

fn serving(body: &[u8]) -> (Exporter, ScriptedDaemon, TempDir) {
    bridge(Behaviour::Serve(body.to_vec()), "timeout = \"3s\"")
}

#[test]
fn requests_that_name_no_selector_are_refused_with_a_message() {
    let (exporter, daemon, _folder) = serving(b"a 1\n");
    let cases = [
        ("/bridge", 400, "missing_selector", "selector is missing"),
        (
            "/bridge?x=it",
            400,
            "missing_selector",
            "selector is missing",
        ),
        (
            "/bridge?selector=",
            400,
            "empty_selector",
            "selector is empty",
        ),
        (
            "/bridge?selector=it&selector=it",
            400,
            "repeated_selector",
            "repeated",
        ),
        (
            "/bridge?selector=other",
            404,
            "unknown_selector",
            "selector \"other\": no selector",
        ),
        (
            "/bridge?selector=%0Ax%1B",
            404,
            "unknown_selector",
            "selector \"\\nx\\u{1b}\"",
        ),
    ];
    for (path, status, reason, sentence) in cases {
        let reply = exporter.get(path);
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.text().contains(sentence), "{path}: {}", reply.text());
        assert_eq!(reply.text().lines().count(), 1, "{path}");
        assert_eq!(
            reply.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        let series =
            format!("local_exporter_bridge_rejected_requests_total{{reason=\"{reason}\"}}");
        assert!(exporter.metric(&series) >= Some(1.0), "{path}");
    }
    assert!(!exporter.get("/metrics").text().contains("other"));
    assert_eq!(daemon.accepted(), 0, "none of them reached the source");
}

#[test]
fn methods_other_than_get_and_head_are_rejected() {
    let (exporter, _daemon, _folder) = serving(b"a 1\n");
    for path in [
        "/bridge?selector=it",
        "/metrics",
        "/debug/actors",
        "/-/healthy",
        "/-/ready",
        "/",
    ] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            if (method, path) == ("OPTIONS", "/") {
                continue;
            }
            let reply = request(method, &exporter.url(path), &[]);
            assert_eq!(reply.status, 405, "{method} {path}");
            assert_eq!(reply.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
        let get = exporter.get(path);
        let head = request("HEAD", &exporter.url(path), &[]);
        assert_eq!((get.status, head.status), (200, 200), "{path}");
        assert_eq!(head.body, b"", "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
    }
    let head = request("HEAD", &exporter.url("/bridge?selector=it"), &[]);
    assert_eq!(head.header("content-length"), Some("4"));
    // No stray body may precede the next response on the same connection.
    let mut stream = TcpStream::connect(exporter.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for method in ["HEAD", "GET"] {
        let request = format!("{method} /bridge?selector=it HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(
            head.starts_with(b"HTTP/1.1 200 OK\r\n"),
            "{method} {head:?}"
        );
    }
}

/// `OPTIONS /` is the health check of `HAProxy`, without configuration `OPTIONS *`.
#[test]
fn options_of_the_server_and_of_the_first_page_succeed() {
    let (exporter, _daemon, _folder) = serving(b"a 1\n");
    for target in ["*", "/"] {
        for version in ["1.0", "1.1"] {
            let request =
                format!("OPTIONS {target} HTTP/{version}\r\nhost: x\r\nconnection: close\r\n\r\n");
            let response = raw(exporter.address(), &request);
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/{version} 200 ")), "{head}");
            let allow = head.lines().find(|line| line.starts_with("allow: "));
            assert_eq!(allow, Some("allow: GET, HEAD, OPTIONS"), "{head}");
            assert_eq!(body, "");
        }
    }
    assert_eq!(request("OPTIONS", &exporter.url("/nope"), &[]).status, 404);
}

/// Some clients, such as `curl`, do not encode what a user writes.
#[test]
fn a_selector_in_the_query_may_be_raw_utf8() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.prom");
    std::fs::write(&file, "a 1\n").unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors]\n\"gr\u{f6}\u{df}e-\u{82b1}\" = {{ kind = \"file\", path = {} }}\n",
        quoted(&file)
    ));
    let mut connection = Connection::open(exporter.address());
    for _ in 0..2 {
        connection.request("/bridge?selector=gr\u{f6}\u{df}e-\u{82b1}");
        assert_eq!(connection.reply().text(), "a 1\n");
    }
    let unknown = "\u{82b1}".repeat(2000);
    connection.request(&format!("/bridge?selector={unknown}"));
    assert_eq!(connection.reply().status, 404);
}

/// The exporter encodes targets, but never changes the length of a body: what follows it would be
/// taken for another request.
#[test]
fn the_body_of_a_request_is_not_encoded() {
    let (exporter, _daemon, _folder) = serving(b"a 1\n");
    let inner = "GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n";
    let body = format!("{}\r\n0\r\n\r\n{inner}", "\u{fc}".repeat(100));
    for method in ["GET", "POST"] {
        let head = format!("{method} /-/ready HTTP/1.1\r\nhost: x\r\n");
        let length = format!("content-length: {}\r\n\r\n{body}", body.len());
        let chunked = format!(
            "transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        for rest in [length, chunked] {
            let response = raw(
                exporter.address(),
                &format!("{head}connection: close\r\n{rest}"),
            );
            assert_eq!(response.matches("HTTP/1.1 ").count(), 1, "{response}");
            let mut parts = TcpStream::connect(exporter.address()).unwrap();
            let (first, second) = rest.split_at(rest.find("\r\n\r\n").unwrap() + 4);
            parts.write_all(head.as_bytes()).unwrap();
            parts.write_all(first.as_bytes()).unwrap();
            let mut status = [0; 12];
            parts.set_read_timeout(Some(PATIENCE)).unwrap();
            if method == "POST" {
                parts.read_exact(&mut status).unwrap();
            }
            let _ = parts.write_all(second.as_bytes());
            let _ = parts.shutdown(std::net::Shutdown::Write);
            let mut all = Vec::new();
            let _ = parts.read_to_end(&mut all);
            let all = String::from_utf8_lossy(&all);
            assert!(!all.contains("healthy"), "{all}");
        }
    }
}

#[test]
fn a_response_has_the_content_type_and_length_of_its_body() {
    let text = "text/plain; version=0.0.4; charset=utf-8";
    let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let bodies: [(&[u8], &str); 4] = [
        (b"# TYPE a gauge\na 1\n", text),
        (b"a{b=\"\xc3\xbc\"} 1 1700000000000\n# EOF\n\n", text),
        (b"# TYPE a gauge\na 1\n# EOF\n", open_metrics),
        (b"# TYPE a gauge\na 1\n# EOF", open_metrics),
    ];
    let (exporter, daemon, _folder) = serving(b"a 1\n");
    for (body, content_type) in bodies {
        daemon.set(Behaviour::Serve(body.to_vec())).unwrap();
        let reply = exporter.scrape("it");
        assert_eq!((reply.status, &*reply.body), (200, body));
        assert_eq!(reply.header("content-type"), Some(content_type));
        assert_eq!(
            reply.header("content-length"),
            Some(&*body.len().to_string())
        );
        assert_eq!(reply.header("age"), None, "a new body has no age");
        assert_eq!(reply.header("transfer-encoding"), None);
    }
}

#[test]
fn a_large_body_arrives_whole_and_slow_readers_share_it() {
    let line = "large_metric{label=\"value\"} 123456789\n";
    let body = line.repeat((32 << 20) / line.len());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.prom");
    std::fs::write(&file, &body).unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {}, max_bytes = \"64MiB\" }}\n",
        quoted(&file)
    ));
    assert!(
        exporter.scrape("it").body == body.as_bytes(),
        "the bytes differ"
    );

    // Ten clients request 32 MiB each and stop reading: the body is not copied for any of them.
    let readers: Vec<_> = (0..10).map(|_| stalled_reader(&exporter)).collect();
    let resident = exporter.metric("process_resident_memory_bytes").unwrap();
    let copies = 10.0 * 32.0 * 1048576.0;
    assert!(resident < copies / 2.0, "{resident} bytes are resident");
    drop(readers);
    assert_eq!(exporter.get("/-/healthy").status, 200);
}

/// A client that reads the head of its response and then nothing.
fn stalled_reader(exporter: &Exporter) -> TcpStream {
    let mut stream = TcpStream::connect(exporter.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(b"GET /bridge?selector=it HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut head = [0; 15];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    stream
}

#[test]
fn an_unknown_page_is_a_404() {
    let (exporter, _daemon, _folder) = serving(b"a 1\n");
    for path in ["/nope", "/bridge/", "/metrics/x", "//"] {
        let reply = get(&exporter.url(path), &[]);
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.text().contains("page not found"), "{path}");
    }
}
