//! Sources and hosts that reach a limit: very large or many files, long names, many daemons that hang, no threads.

use super::scene::{Expected, GOOD, Outcome, SOON, Scene, TIMEOUT, When};
use crate::clients::connection::Connection;
use crate::namespaces::{AS_NOBODY, nobody_can_run_it, under};
use crate::support::{program, quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The resident memory that no file may exceed, in KiB.
const RESIDENT_KIB: u64 = 64 * 1024;
/// The default of `max_bytes`.
const MAX_BYTES: u64 = 16 << 20;
/// `service.max_in_flight`, and the scrapes of all daemons that hang.
const MAX_IN_FLIGHT: &str = "64";
const SCRAPES: usize = 120;
const HUNG: usize = 4;
/// The scrapes at the same time, each of which may need a thread.
const AT_ONCE: usize = 50;

/// A scene whose `it` is a directory with one valid file.
fn directory() -> Scene {
    Scene::start_as(program(), "1h", |folder| {
        let it = folder.join("it");
        fs::create_dir(&it).unwrap();
        fs::write(it.join("it.prom"), GOOD).unwrap();
        let path = quoted(&it);
        format!("[bridge.selectors.it]\nkind = \"file\"\npath = {path}\nrefresh = \"1h\"\n")
    })
}

/// The largest resident memory of the process so far.
fn peak_kib(scene: &Scene) -> u64 {
    let status = format!("/proc/{}/status", scene.exporter.process());
    let status = fs::read_to_string(status).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = peak.unwrap().split_whitespace().next();
    number.unwrap().parse().unwrap()
}

#[test]
fn sparse_files_use_little_memory() {
    const FILES: usize = 40;
    let scene = directory();
    until("the file is served", || scene.is_good());
    scene.meanwhile("directory has sparse files", || {
        for number in 0..FILES {
            let file = File::create(scene.folder().join(format!("it/sparse{number:02}.prom")));
            file.unwrap().set_len(MAX_BYTES).unwrap();
        }
        until("all of them are examined", || {
            let files = &scene.exporter.actor("it")["cache"]["files"];
            let rejected = |file: &&serde_json::Value| file["error"].is_string();
            files.as_array().unwrap().iter().filter(rejected).count() == FILES
        });
        let began = Instant::now();
        assert!(scene.is_good());
        let took = began.elapsed();
        let peak = peak_kib(&scene);
        assert!(peak < RESIDENT_KIB, "{peak} KiB");
        for number in 0..FILES {
            let file = scene.folder().join(format!("it/sparse{number:02}.prom"));
            fs::remove_file(file).unwrap();
        }
        (Outcome::good(took), ())
    });
}

#[test]
fn a_long_name_is_joined_soon() {
    let scene = directory();
    until("the file is served", || scene.is_good());
    scene.meanwhile("name of 600,000 bytes beside another file", || {
        let long = format!("a{} 1\n", "_".repeat(600_000));
        let file = PromFile::new(scene.folder().join("it/long.prom"));
        let began = Instant::now();
        file.write(long.as_bytes()).unwrap();
        until("both are served", || {
            scene.exporter.scrape("it").body.len() == GOOD.len() + long.len()
        });
        let took = began.elapsed();
        assert!(took < SOON, "{took:?}");
        file.remove().unwrap();
        until("it is removed", || scene.is_good());
        (Outcome::good(took), ())
    });
}

#[test]
fn four_daemons_that_hang_deny_no_other_selector() {
    let paths = |folder: &Path| [1, 2, 3, 4].map(|number| folder.join(format!("hung{number}")));
    let mut command = program();
    command.env("LOCAL_EXPORTER__SERVICE__MAX_IN_FLIGHT", MAX_IN_FLIGHT);
    let scene = Scene::start_as(command, "1h", |folder| {
        let keys = format!("kind = \"uds\"\ntimeout = \"{TIMEOUT:?}\"\n");
        let mut tables = String::new();
        for (number, path) in paths(folder).iter().enumerate() {
            let name = if number == 0 {
                "it".to_owned()
            } else {
                format!("it{number}")
            };
            let path = quoted(path);
            let _ = write!(tables, "[bridge.selectors.{name}]\npath = {path}\n{keys}");
        }
        tables
    });
    let daemons = paths(scene.folder())
        .map(|path| ScriptedDaemon::start(path, Behaviour::Serve(GOOD.to_vec())).unwrap());
    until("scrapes succeed before the fault", || scene.is_good());
    scene.meanwhile("four daemons hang and are scraped without end", || {
        for daemon in &daemons {
            daemon.set(Behaviour::HangAfterAccept).unwrap();
        }
        let selectors = ["it", "it1", "it2", "it3"].map(|name| format!("/bridge?selector={name}"));
        let hang = |number: usize| {
            let mut connection = Connection::open(scene.exporter.address());
            connection.request(&selectors[number % HUNG]);
            connection
        };
        let waiting: Vec<_> = (0..SCRAPES).map(hang).collect();
        let expected = Expected {
            status: 503,
            reason: "overloaded",
            sentence: "",
            when: When::AtOnce,
        };
        let began = Instant::now();
        expected.assert(&scene.exporter.scrape("it"), began.elapsed());
        let took = began.elapsed();
        drop(waiting);
        for daemon in &daemons {
            daemon.set(Behaviour::Serve(GOOD.to_vec())).unwrap();
        }
        until("scrapes succeed again", || scene.is_good());
        (Outcome::of(expected, took), ())
    });
}

/// Root is exempt from the limit, so the exporter runs as another user.
#[test]
fn no_thread_can_be_created() {
    if !nobody_can_run_it() {
        return;
    }
    let scene = Scene::start_as(under(&AS_NOBODY), "1h", |folder| {
        let path = folder.join("it.prom");
        fs::write(&path, GOOD).unwrap();
        format!(
            "[bridge.selectors.it]\nkind = \"file\"\npath = {}\n",
            quoted(&path)
        )
    });
    until("the file is served", || scene.is_good());
    let process = scene.exporter.process().to_string();
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let limit = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max processes"));
    let limit = limit.unwrap().split_whitespace().next().unwrap();
    let limit_threads = |limit: &str| {
        let limit = format!("--nproc={limit}:");
        let mut limiting = Command::new(AS_NOBODY[0]);
        limiting
            .args(&AS_NOBODY[1..])
            .args(["prlimit", "--pid", &process, &limit]);
        assert!(limiting.status().unwrap().success());
    };
    scene.meanwhile("no thread can be created", || {
        // The soft limit: this user has more threads already.
        limit_threads("1");
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| assert!(scene.is_good()));
            }
        });
        let took = began.elapsed();
        fs::write(scene.folder().join("it.prom"), "it 2\n").unwrap();
        until("a change is served", || {
            scene.exporter.scrape("it").body == b"it 2\n"
        });
        for page in ["/metrics", "/debug/actors", "/"] {
            assert_eq!(scene.exporter.get(page).status, 200);
        }
        limit_threads(limit);
        (Outcome::good(took), ())
    });
}
