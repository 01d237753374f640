//! Responses that clients do not read: their bodies are bounded together, and clients that read are
//! not refused because of them for long.

use super::connection::Connection;
use crate::support::{Exporter, quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const MIB: f64 = 1_048_576.0;
/// The default of `max_unread`, in MiB.
const MAX_UNREAD: f64 = 32.0;
/// Number of selectors that make pages large, and the length of their paths.
const MANY: usize = 3000;
const LONG: usize = 80;

/// Daemons with large bodies. Each scrape has a body of its own.
struct Large {
    exporter: Exporter,
    _daemons: [ScriptedDaemon; 2],
    _folder: TempDir,
}

impl Large {
    /// With the selectors `large`, whose body has this size, and `small`.
    fn start(size: usize, service: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let body = "large{label=\"value\"} 1\n".repeat(size / 23);
        let daemon = |name: &str, body: &str| {
            let serve = Behaviour::Serve(body.as_bytes().to_vec());
            ScriptedDaemon::start(folder.path().join(name), serve).unwrap()
        };
        let daemons = [daemon("large", &body), daemon("small", "a 1\n")];
        let selector = |daemon: &ScriptedDaemon| {
            format!("{{ kind = \"uds\", path = {} }}\n", quoted(daemon.path()))
        };
        let exporter = Exporter::start(&format!(
            "{service}\n[bridge.defaults]\ntimeout = \"20s\"\nmax_bytes = \"20MB\"\n\
             [bridge.selectors]\nlarge = {}small = {}",
            selector(&daemons[0]),
            selector(&daemons[1]),
        ));
        assert_eq!(exporter.scrape("large").status, 200);
        Self {
            exporter,
            _daemons: daemons,
            _folder: folder,
        }
    }
}

/// Resident memory of the exporter in MiB. Not read from `/metrics`, which is shared while a client
/// has not read it.
pub fn resident(exporter: &Exporter) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", exporter.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib: f64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib * 1024.0 / MIB
}

/// Clients that send a request and then read only the status of the response. Returns their
/// connections, the number of responses by status, and the largest resident memory.
fn stalled(
    exporter: &Exporter,
    clients: usize,
    path: &str,
    headers: &str,
) -> (Vec<Connection>, BTreeMap<String, usize>, f64) {
    let (mut most, mut statuses, mut connections) = (0_f64, BTreeMap::new(), Vec::new());
    for _ in 0..clients {
        let mut client = Connection::open(exporter.address());
        client.request_with(path, headers);
        let status = client.status().unwrap_or_else(|| "closed".to_owned());
        *statuses.entry(status).or_default() += 1;
        connections.push(client);
        most = most.max(resident(exporter));
    }
    println!("{clients} clients of {path}: {most:.0} MiB, {statuses:?}");
    (connections, statuses, most)
}

#[test]
fn clients_that_do_not_read_debug_texts_use_little_memory() {
    let large = Large::start(2 << 20, "");
    let path = "/bridge?selector=large&debug=true";
    let (_clients, statuses, most) = stalled(&large.exporter, 120, path, "");
    assert!(most < 64.0, "{most} MiB");
    assert_eq!(
        statuses.get("200").unwrap_or(&0) + statuses.get("503").unwrap_or(&0),
        120
    );
    assert_eq!(large.exporter.get("/-/healthy").status, 200);
}

#[test]
fn clients_that_do_not_read_bodies_of_their_own_use_little_memory() {
    let large = Large::start(15_000_000, "");
    let (clients, statuses, most) = stalled(&large.exporter, 20, "/bridge?selector=large", "");
    // The bodies that are kept, and one that is refused.
    assert!(most < 12.0 + MAX_UNREAD + 2.0 * 15.0, "{most} MiB");
    assert!(statuses["200"] >= 2, "{statuses:?}");
    let small = large.exporter.scrape("small");
    assert_eq!(small.text(), "a 1\n");
    // A client that reads waits for those that do not, at most half a second.
    let began = Instant::now();
    until("a client that reads is served", || {
        large.exporter.scrape("large").status == 200
    });
    println!("a client that reads was served after {:?}", began.elapsed());
    let reached = "local_exporter_http_limit_reached_total{limit=\"max_unread\"}";
    assert!(large.exporter.metric(reached) >= Some(1.0));
    drop(clients);
    until("the bodies are released", || {
        large.exporter.metric("local_exporter_http_unread_bytes") < Some(1e6)
    });
}

/// A client that reads keeps its body, so another one is refused until it has finished.
#[test]
fn beyond_the_budget_the_response_is_503_with_the_limit() {
    const PART: usize = 64 << 10;
    let large = Large::start(15_000_000, "max_unread = \"20MB\"");
    let mut slow = Connection::open(large.exporter.address());
    slow.request("/bridge?selector=large");
    assert_eq!(slow.status().as_deref(), Some("200"));
    let (stop, stopped) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        let mut parts = 0;
        while stopped.recv_timeout(Duration::from_millis(20)).is_err() && slow.read(PART) {
            parts += 1;
        }
        parts
    });
    let refused = large.exporter.scrape("large");
    assert_eq!(refused.status, 503, "{} bytes", refused.body.len());
    refused.assert_error(503, "large", "overloaded");
    assert!(
        refused.text().contains("service.max_unread"),
        "{}",
        refused.text()
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    stop.send(()).unwrap();
    assert!(reading.join().unwrap() > 0);
    until("another client is served", || {
        large.exporter.scrape("large").status == 200
    });
}

/// Every page, compressed or not.
#[test]
fn clients_that_do_not_read_pages_use_little_memory() {
    let mut config = "[bridge.selectors]\n".to_owned();
    let path = "p".repeat(LONG);
    for number in 0..MANY {
        writeln!(
            config,
            "s{number} = {{ kind = \"uds\", path = \"/nowhere/{path}\" }}"
        )
        .unwrap();
    }
    let exporter = Exporter::start(&config);
    for page in ["/metrics", "/debug/actors", "/", "/sd", "/config"] {
        for headers in ["", "accept-encoding: gzip\r\n"] {
            let size = exporter.get(page).body.len() as f64 / MIB;
            let before = resident(&exporter);
            let (clients, _, most) = stalled(&exporter, 150, page, headers);
            // The buffers of the connections, the pages of some seconds, and what rendering needs.
            let bound = 150.0 * 0.1 + MAX_UNREAD + 3.0 * size;
            let more = most - before;
            println!("{page}: {size:.1} MiB, {more:.0} MiB more, the bound is {bound:.0}");
            assert!(more < bound, "{page}: {more} MiB");
            assert_eq!(exporter.get("/-/healthy").status, 200);
            drop(clients);
        }
    }
}
