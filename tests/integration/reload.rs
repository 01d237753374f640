//! Reloading: what changes, what stays, and what is reported.

mod errors;
mod restart;
mod storm;
mod triggers;

use crate::support::{Exporter, Reply, make_fifo, quoted, request, until};
use local_exporter_daemons::promsock::PromSock;
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const ENABLED: &str = "lifecycle = true\n";

/// Two sockets and two files with distinct bodies.
struct Scene {
    folder: TempDir,
    sockets: [PromSock; 2],
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = |name: &str, body: &'static [u8]| {
            PromSock::bind(folder.path().join(name), move || body.to_vec()).unwrap()
        };
        let sockets = [
            socket("one.sock", b"one_socket 1\n"),
            socket("two.sock", b"two_socket 1\n"),
        ];
        for name in ["one", "two"] {
            let file = folder.path().join(format!("{name}.prom"));
            fs::write(file, format!("{name}_file 1\n")).unwrap();
        }
        Self { folder, sockets }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A selector of a kind with one of the paths and further keys.
    fn selector(&self, name: &str, kind: &str, path: &str, more: &str) -> String {
        let path = quoted(&self.path(path));
        format!("{name} = {{ kind = {kind:?}, path = {path}{more} }}\n")
    }
}

fn enabled(selectors: &str) -> String {
    format!("{ENABLED}[bridge.selectors]\n{selectors}")
}

fn ask(exporter: &Exporter, method: &str) -> Reply {
    request(method, &exporter.url("/-/reload"), &[])
}

/// Reloads with a valid configuration.
#[track_caller]
fn reload(exporter: &Exporter, configuration: &str) {
    exporter.configure(configuration);
    let reply = ask(exporter, "POST");
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// The log lines with a message.
fn logged(exporter: &Exporter, message: &str) -> Vec<Value> {
    let lines = exporter.log().into_iter();
    let events = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    events.filter(|event| event["msg"] == message).collect()
}

fn hash(exporter: &Exporter) -> f64 {
    exporter.metric("local_exporter_config_hash").unwrap()
}

#[test]
fn selectors_are_added_removed_and_change_their_kind() {
    let scene = Scene::new();
    let stays = scene.selector("stays", "uds", "one.sock", ", min_interval = \"1h\"");
    let before = stays.clone()
        + &scene.selector("goes", "file", "one.prom", "")
        + &scene.selector("turns", "file", "two.prom", "");
    let exporter = Exporter::start(&enabled(&before));
    for name in ["stays", "goes", "turns"] {
        let reply = exporter.scrape(name);
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
    }
    let first_hash = hash(&exporter);

    let after = stays
        + &scene.selector("turns", "uds", "two.sock", "")
        + &scene.selector("comes", "file", "two.prom", "");
    reload(&exporter, &enabled(&after));
    assert_eq!(exporter.scrape("goes").status, 404);
    assert_eq!(exporter.scrape("comes").text(), "two_file 1\n");
    assert_eq!(exporter.scrape("turns").text(), "two_socket 1\n");
    let reply = exporter.scrape("stays");
    assert_eq!(reply.text(), "one_socket 1\n");
    assert!(reply.header("age").is_some(), "from the cache");
    assert_eq!(
        scene.sockets[0].served(),
        1,
        "asked once, before the reload"
    );

    until("the series of the removed selector are gone", || {
        !exporter
            .get("/metrics")
            .text()
            .contains("selector=\"goes\"")
    });
    // The counters of a changed selector continue; the series of its files are removed.
    let series = "local_exporter_bridge_scrapes_total{selector=\"turns\"}";
    assert_eq!(exporter.metric(series), Some(2.0));
    let of_files = "local_exporter_file_watch_mode{mode=\"events\",selector=\"turns\"}";
    assert_eq!(exporter.metric(of_files), None);
    assert!(hash(&exporter).to_bits() != first_hash.to_bits());
    let events = logged(&exporter, "configuration reloaded");
    assert_eq!(events.len(), 1, "{events:?}");
    for (field, expected) in [
        ("replaced", "turns"),
        ("added", "comes"),
        ("removed", "goes"),
    ] {
        assert_eq!(events[0][field], expected, "{events:?}");
    }
    assert_eq!(events[0]["kept"], 1);
}

#[test]
fn a_changed_label_keeps_the_actor() {
    let scene = Scene::new();
    let with = |interval: &str| {
        let more = format!(", min_interval = \"1h\", scrape_interval = \"{interval}\"");
        enabled(&scene.selector("it", "uds", "one.sock", &more))
    };
    let exporter = Exporter::start(&with("10s"));
    assert_eq!(exporter.scrape("it").status, 200);
    reload(&exporter, &with("20s"));
    assert!(exporter.get("/sd").text().contains("20s"));
    assert!(exporter.scrape("it").header("age").is_some());
    assert_eq!(scene.sockets[0].served(), 1);
}

#[test]
fn a_path_that_is_not_a_file_is_reported_until_the_next_reload() {
    let scene = Scene::new();
    let good = enabled(&scene.selector("it", "file", "one.prom", ""));
    let exporter = Exporter::start(&format!("landlock = false\n{good}"));
    let file = &exporter.configuration();
    let pipe = || make_fifo(file);
    let endless = || std::os::unix::fs::symlink("/dev/zero", file).unwrap();
    let sparse = || fs::File::create(file).unwrap().set_len(1 << 40).unwrap();
    let cases: [(&dyn Fn(), &str); 3] = [
        (&pipe, "not a regular file"),
        (&endless, "not a regular file"),
        (&sparse, "larger than 16777216 bytes"),
    ];
    for (make, expected) in cases {
        fs::remove_file(file).unwrap();
        make();
        let reply = ask(&exporter, "POST");
        let text = reply.text();
        assert_eq!(reply.status, 500, "{text}");
        assert!(text.contains(expected), "{text}");
        reload(&exporter, &format!("landlock = false\n{good}"));
        assert_eq!(exporter.scrape("it").text(), "one_file 1\n");
    }
}

#[test]
fn two_thousand_selectors_are_reloaded() {
    const SELECTORS: usize = 2000;
    let scene = Scene::new();
    let path = |file: &str| quoted(&scene.path(file));
    let with = |changed: &str| {
        let mut text = String::new();
        for number in 0..SELECTORS {
            let path = path(if number == 0 { changed } else { "one.prom" });
            writeln!(text, "s{number} = {{ kind = \"file\", path = {path} }}").unwrap();
        }
        enabled(&text)
    };
    // A selector that keeps the folder readable for the confined process.
    let first = scene.selector("first", "file", "one.prom", "");
    let exporter = Exporter::start(&enabled(&first));
    let began = std::time::Instant::now();
    reload(&exporter, &with("one.prom"));
    println!(
        "{SELECTORS} selectors were added within {:?}",
        began.elapsed()
    );
    let last = format!("s{}", SELECTORS - 1);
    assert_eq!(exporter.scrape(&last).text(), "one_file 1\n");

    let began = std::time::Instant::now();
    reload(&exporter, &with("two.prom"));
    println!("one of them was replaced within {:?}", began.elapsed());
    assert_eq!(exporter.scrape("s0").text(), "two_file 1\n");
    until("all other selectors were kept", || {
        let events = logged(&exporter, "configuration reloaded");
        events
            .last()
            .is_some_and(|event| event["kept"] == SELECTORS - 1)
    });
    reload(&exporter, ENABLED);
    until("all of them are removed", || {
        !exporter.get("/metrics").text().contains("selector=")
    });
}
