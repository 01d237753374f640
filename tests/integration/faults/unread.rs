//! Responses that their clients do not read.

use super::scene::{Outcome, Scene, hold};
use crate::clients::connection::Connection;
use crate::support::{program, quoted, until};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The clients that read nothing, for each page.
const CLIENTS: usize = 120;
/// The selectors on the pages.
const SELECTORS: usize = 300;
/// The resident memory that they may cause in total, in bytes.
const RESIDENT: f64 = 64.0 * 1024.0 * 1024.0;

/// A selector of one file with this body.
pub(super) fn file(folder: &Path, body: &[u8]) -> String {
    let path = folder.join("it.prom");
    fs::write(&path, body).unwrap();
    format!(
        "[bridge.selectors.it]\nkind = \"file\"\npath = {}\n",
        quoted(&path)
    )
}

#[test]
fn pages_that_no_client_reads_use_little_memory() {
    let cases = [
        ("clients do not read a body", "/bridge?selector=it"),
        (
            "clients do not read debug=true",
            "/bridge?selector=it&debug=true",
        ),
        ("clients do not read /metrics", "/metrics"),
        ("clients do not read /debug/actors", "/debug/actors"),
        ("clients do not read /sd", "/sd"),
        ("clients do not read /config", "/config"),
        ("clients do not read the landing page", "/"),
    ];
    for (name, page) in cases {
        page_that_no_client_reads(name, page);
    }
}

fn page_that_no_client_reads(name: &str, page: &str) {
    let mut body = String::new();
    for number in 0..36_000 {
        let _ = writeln!(body, "it{{series=\"{number:040}\"}} 1");
    }
    let scene = Scene::start_as(program(), "1h", |folder| {
        let mut tables = file(folder, body.as_bytes());
        // They make the pages large.
        for number in 0..SELECTORS {
            let keys = "kind = \"uds\"\npath = \"/nonexistent\"\n";
            let _ = write!(tables, "[bridge.selectors.absent{number}]\n{keys}");
        }
        tables
    });
    until("the file is served", || {
        scene.exporter.scrape("it").status == 200
    });
    scene.meanwhile(name, || {
        let open = |_| {
            let mut client = Connection::open(scene.exporter.address());
            client.request(page);
            client
        };
        let clients: Vec<_> = (0..CLIENTS).map(open).collect();
        let mut largest = 0.0;
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end {
            let resident = scene.exporter.metric("process_resident_memory_bytes");
            largest = resident.unwrap().max(largest);
            hold(Duration::from_millis(20));
        }
        assert!(largest < RESIDENT, "{name}: {largest} bytes");
        let began = Instant::now();
        assert_eq!(scene.exporter.get("/-/healthy").status, 200);
        let took = began.elapsed();
        drop(clients);
        (Outcome::good(took), ())
    });
}
