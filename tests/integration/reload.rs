//! Reloading: what changes, what stays, and what is reported.

mod storm;

use crate::support::{Exporter, Reply, make_fifo, quoted, request, until};
use local_exporter_daemons::promsock::PromSock;
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
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
fn a_configuration_with_errors_changes_nothing_and_is_reported() {
    let scene = Scene::new();
    let good = scene.selector("it", "file", "one.prom", "");
    let exporter = Exporter::start(&enabled(&good));
    let (successful, at) = (
        "local_exporter_config_last_reload_successful",
        "local_exporter_config_last_reload_success_timestamp_seconds",
    );
    let before = (hash(&exporter), exporter.metric(at).unwrap());
    assert_eq!(exporter.metric(successful), Some(1.0));

    exporter.configure(&enabled(
        "it = { kind = \"telepathy\" }\nother = { kind = \"uds\" }\n",
    ));
    let reply = ask(&exporter, "POST");
    assert_eq!(reply.status, 500);
    let text = reply.text();
    assert!(text.starts_with("failed to reload config: "), "{text}");
    assert!(
        text.contains("telepathy") && text.contains("selectors.other"),
        "{text}"
    );
    assert_eq!(exporter.metric(successful), Some(0.0));
    assert_eq!(exporter.metric(at), Some(before.1));
    assert_eq!(hash(&exporter).to_bits(), before.0.to_bits());
    assert_eq!(exporter.scrape("it").text(), "one_file 1\n");
    assert!(exporter.get("/config").text().contains("one.prom"));
    until("each error is in the log", || {
        logged(&exporter, "configuration error").len() == text.lines().count()
    });

    reload(&exporter, &enabled(&good));
    assert_eq!(exporter.metric(successful), Some(1.0));
    assert!(exporter.metric(at).unwrap() > before.1);
}

#[test]
fn a_drop_in_with_new_errors_is_left_out_and_reported() {
    let scene = Scene::new();
    let drop_ins = scene.path("conf.d");
    fs::create_dir(&drop_ins).unwrap();
    let selectors = "[bridge.selectors]\n".to_owned();
    let (one, two) = (drop_ins.join("one.toml"), drop_ins.join("two.toml"));
    let right = selectors.clone() + &scene.selector("one", "file", "one.prom", "");
    fs::write(&one, &right).unwrap();
    fs::write(
        &two,
        selectors + &scene.selector("two", "file", "two.prom", ""),
    )
    .unwrap();
    let script = format!(
        "LOCAL_EXPORTER__BRIDGE__SELECTORS__ONE__TIMEOUT=2s exec \"$@\" --config.dropins {}",
        drop_ins.display()
    );
    let exporter = Exporter::start_under(&["sh", "-c", &script, "sh"], ENABLED);
    let (left_out, successful) = (
        "local_exporter_config_dropins_left_out",
        "local_exporter_config_last_reload_successful",
    );
    let seen = || [left_out, successful].map(|series| exporter.metric(series).unwrap());
    assert_eq!(exporter.scrape("one").status, 200);
    assert_eq!(seen(), [0.0, 1.0]);

    fs::write(&one, "[bridge.selectors]\none = { kind = \"usd\" }\n").unwrap();
    let reply = ask(&exporter, "POST");
    let text = reply.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((reply.status, lines.len()), (200, 3), "{text}");
    for (line, expected) in lines.iter().zip([
        "the configuration was reloaded".to_owned(),
        format!(
            "left out: {}:2:16: bridge.selectors.one.kind: ",
            one.display()
        ),
        "left out: environment LOCAL_EXPORTER__BRIDGE__SELECTORS__ONE__TIMEOUT: ".to_owned(),
    ]) {
        assert!(
            line.starts_with(&expected),
            "{expected} does not begin {text}"
        );
    }
    assert_eq!(exporter.scrape("one").status, 404);
    assert_eq!(exporter.scrape("two").text(), "two_file 1\n");
    assert_eq!(seen(), [1.0, 1.0]);
    // The refused configuration is not applied.
    exporter.configure("lifecycle = 7\n");
    fs::write(&two, "not TOML").unwrap();
    assert_eq!(ask(&exporter, "POST").status, 500);
    assert_eq!(seen(), [1.0, 0.0]);

    exporter.configure(ENABLED);
    for path in [&one, &two] {
        fs::write(path, &right).unwrap();
    }
    let reply = ask(&exporter, "POST");
    assert_eq!(reply.text(), "the configuration was reloaded\n");
    assert_eq!(seen(), [0.0, 1.0]);
}

#[test]
fn requests_can_reload_only_with_lifecycle_enabled() {
    let exporter = Exporter::start("");
    for method in ["POST", "PUT"] {
        let reply = ask(&exporter, method);
        assert_eq!(reply.status, 403, "{method}");
        assert_eq!(reply.text(), "Lifecycle API is not enabled.\n");
    }
    let reply = ask(&exporter, "GET");
    assert_eq!(reply.status, 405);
    assert_eq!(reply.header("allow"), Some("POST, PUT"));

    // A signal can always reload. The result applies from the next request on.
    exporter.configure(ENABLED);
    exporter.signal("HUP");
    until("the configuration was reloaded", || {
        !logged(&exporter, "configuration reloaded").is_empty()
    });
    assert_eq!(ask(&exporter, "PUT").status, 200);
    assert_eq!(ask(&exporter, "GET").status, 405);
}

#[test]
fn auto_reload_detects_changes() {
    let scene = Scene::new();
    let with = |name: &str| {
        let selector = scene.selector(name, "file", "one.prom", "");
        format!("auto_reload = true\n[bridge.selectors]\n{selector}")
    };
    let exporter = Exporter::start(&with("before"));
    exporter.configure(&with("after"));
    until("the new selector is served", || {
        exporter.scrape("after").status == 200
    });
    assert_eq!(exporter.scrape("before").status, 404);

    exporter.configure("auto_reload = 7\n");
    let successful = "local_exporter_config_last_reload_successful";
    until("the reload has failed", || {
        exporter.metric(successful) == Some(0.0)
    });
    assert_eq!(exporter.scrape("after").status, 200);
}

#[test]
fn changed_keys_that_need_a_restart_are_logged() {
    let exporter = Exporter::start(ENABLED);
    reload(
        &exporter,
        "lifecycle = true\nmax_connections = 7\ntelemetry_path = \"/m\"\n",
    );
    assert_eq!(exporter.get("/metrics").status, 200);
    assert_eq!(exporter.get("/m").status, 404);
    until("the keys are in the log", || {
        let events = logged(&exporter, "changed keys take effect after a restart");
        events
            .first()
            .is_some_and(|event| event["keys"] == "telemetry_path, max_connections")
    });
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

/// A folder beside the program, for which Landlock rules are not those of the temporary directory.
fn folder_beside_the_program() -> TempDir {
    let program = Path::new(env!("CARGO_BIN_EXE_local-exporter"));
    tempfile::tempdir_in(program.parent().unwrap()).unwrap()
}

#[test]
fn a_path_that_a_confined_process_cannot_read_is_logged() {
    let (one, two) = (folder_beside_the_program(), folder_beside_the_program());
    let with = |folder: &TempDir| {
        let public = folder.path().join("public");
        let file = public.join("m.prom");
        fs::create_dir(public).unwrap();
        fs::write(&file, "a 1\n").unwrap();
        enabled(&format!(
            "it = {{ kind = \"file\", path = {} }}\n",
            quoted(&file)
        ))
    };
    let exporter = Exporter::start(&with(&one));
    reload(&exporter, &with(&two));
    let message = "not readable until a restart: Landlock allows only the paths known at startup";
    let is_reported = || !logged(&exporter, message).is_empty();
    // Whether it is readable depends on the kernel and on the stable ancestor of the folder here: the
    // log and the source must agree.
    let served = exporter.scrape("it").status == 200;
    println!("readable: {served}");
    until("the log agrees with the source", || is_reported() != served);
}
