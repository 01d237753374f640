//! The Landlock sandbox: paths that are not configured are denied, and everything else works.
//!
//! If the kernel has no Landlock, these tests are skipped.

mod changes;
mod reload;

use crate::support::{Exporter, quoted, request, until};
use landlock::{AccessFs, Ruleset, RulesetAttr, RulesetCreated, RulesetStatus};
use local_exporter_daemons::bus::BusOptions;
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_skip::skip;
use std::path::Path;
use std::{fs, thread};
use tempfile::TempDir;

/// A world-readable file that exists on every host, outside of the directories of the tests.
const OUTSIDE: &str = "/etc/passwd";

/// Whether the exporter logs that it is confined; otherwise skips the test.
pub fn is_confined(exporter: &Exporter) -> bool {
    let log = exporter.log();
    let lines = |what: &str| log.iter().filter(|line| line.contains(what)).count();
    let not = lines("\"not confined");
    assert!(not <= 1, "logged once: {log:?}");
    if not == 1 {
        skip("the exporter cannot confine itself: this kernel lacks Landlock");
    }
    not == 0
}

/// Runs a function on a thread that has the maximum number of Landlock layers, none of which
/// restricts anything relevant: a process that it starts cannot add another one (landlock(7),
/// "Ruleset layers").
fn with_all_layers_used<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    let confine = || {
        let ruleset = Ruleset::default().handle_access(AccessFs::MakeBlock);
        let ruleset = ruleset.and_then(Ruleset::create);
        ruleset.and_then(RulesetCreated::restrict_self)
    };
    thread::scope(|scope| {
        let confined = scope.spawn(|| {
            while confine().is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced) {}
            run()
        });
        confined.join().unwrap()
    })
}

/// A folder outside of `/tmp`, on a persistent file system like `/srv`.
fn persistent_folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A selector `it` that reads a file without a check, and never serves an older body.
fn reads(path: &Path) -> String {
    let path = quoted(path);
    format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {path}, check = \"none\", keep_last_good = \"0s\" }}\n"
    )
}

/// The lines of `/proc/…/status` of each thread with a field.
pub fn status_of_threads(process: &str, what: &str) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    // A thread of a pool may have ended in the meantime.
    let status = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("status")).ok();
    let statuses: Vec<_> = threads
        .filter_map(|thread| status(thread.unwrap()))
        .collect();
    let lines = statuses.iter().flat_map(|status| status.lines());
    let lines = lines.filter_map(|line| line.strip_prefix(what));
    lines.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn without_a_free_layer_it_logs_once_that_it_is_not_confined_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.prom");
    fs::write(&file, "a 1\n").unwrap();
    let configuration = format!("lifecycle = true\n{}", reads(&file));
    let exporter = with_all_layers_used(|| Exporter::start(&configuration));
    for _ in 0..3 {
        let reply = request("POST", &exporter.url("/-/reload"), &[]);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    until("the file is read", || exporter.scrape("it").status == 200);
    let log = exporter.log();
    let lines = log.iter().filter(|line| line.contains("not confined"));
    assert_eq!(lines.count(), 1, "{log:?}");
    // It reads any configured path.
    exporter.configure(&format!("lifecycle = true\n{}", reads(Path::new(OUTSIDE))));
    assert_eq!(request("POST", &exporter.url("/-/reload"), &[]).status, 200);
    let outside = fs::read(OUTSIDE).unwrap();
    until("the file is read", || exporter.scrape("it").body == outside);
}

#[test]
fn every_thread_is_confined_unless_landlock_is_disabled() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.prom");
    fs::write(&file, "a 1\n").unwrap();

    let exporter = Exporter::start(&reads(&file));
    until("the file is read", || exporter.scrape("it").status == 200);
    // Set together with Landlock, and inherited.
    let flags = status_of_threads(&exporter.process().to_string(), "NoNewPrivs:");
    if is_confined(&exporter) {
        assert!(flags.len() > 4, "{flags:?}");
        assert!(flags.iter().all(|flag| flag == "1"), "{flags:?}");
    }

    let exporter = Exporter::start(&format!("landlock = false\n{}", reads(&file)));
    until("the file is read", || exporter.scrape("it").status == 200);
    let log = exporter.log().concat();
    assert!(!log.contains("confined by Landlock"), "{log}");
    assert!(
        log.contains("not confined: service.landlock is false"),
        "{log}"
    );
    let flags = status_of_threads(&exporter.process().to_string(), "NoNewPrivs:");
    let ours = status_of_threads("self", "NoNewPrivs:");
    assert!(flags.iter().all(|flag| *flag == ours[0]), "{flags:?}");
}

#[test]
fn a_token_file_that_a_reload_may_not_read_is_reported_as_denied() {
    let folder = persistent_folder();
    let file = folder.path().join("m.prom");
    fs::write(&file, "a 1\n").unwrap();
    let config = format!("lifecycle = true\n{}", reads(&file));
    let exporter = Exporter::start(&config);
    until("the file is read", || exporter.scrape("it").status == 200);
    if !is_confined(&exporter) {
        return;
    }
    exporter.configure(&format!("bearer_token_file = {OUTSIDE:?}\n{config}"));
    let reply = request("POST", &exporter.url("/-/reload"), &[]);
    assert_eq!(reply.status, 500, "{}", reply.text());
    for hint in [
        "config.toml:4:21: service.bearer_token_file: ",
        OUTSIDE,
        "Landlock",
    ] {
        assert!(reply.text().contains(hint), "{}", reply.text());
    }
    assert_eq!(exporter.scrape("it").status, 200);
}

#[test]
fn a_bus_with_an_abstract_address_is_allowed() {
    let name = format!("local-exporter-test-{}", std::process::id());
    let address = format!("unix:abstract={name}");
    let bus = BusOptions::new()
        .extra_xml(&format!("<listen>{address}</listen>"))
        .start()
        .unwrap();
    let _prombus = Prombus::start(&bus.address(), || b"a 1\n".to_vec()).unwrap();
    let exporter = Exporter::start(&bus_selector(&address));
    is_confined(&exporter);
    let reply = exporter.scrape("bus");
    assert_eq!(reply.body, b"a 1\n", "{}", reply.text());
}

/// A selector `bus` for the test daemon on a bus.
pub fn bus_selector(address: &str) -> String {
    format!(
        "[bridge.selectors.bus]\nkind = \"dbus\"\nbus = \"{address}\"\ndestination = \"{}\"\n\
         method = \"{}.{}\"\npath = \"{}\"\n",
        prombus::NAME,
        prombus::INTERFACE,
        prombus::METHOD,
        prombus::PATH,
    )
}
