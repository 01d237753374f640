//! Clocks that jump: no wait depends on the wall clock, and the monotonic clock may have any value.
//!
//! A test must not set the wall clock of the machine. Instead, these tests show that the code reads
//! it only to compare the times of files and to display times (`tests/integration/architecture.rs`),
//! that files may have any time, and that the exporter works on a machine that has just been
//! started, on one that has been running for decades, and with a wall clock that jumps for this
//! process only.

use super::scene::{Expected, Outcome, Recovery, Scene, TIMEOUT, hold};
use super::socket;
use crate::namespaces::after;
use crate::support::{Exporter, program, quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::storm::Storm;
use local_exporter_skip::skip;
use serde_json::Value;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

/// The configuration of a selector `it` whose file may be an hour old.
fn file(folder: &Path) -> String {
    let directory = folder.join("it");
    fs::create_dir(&directory).unwrap();
    format!(
        "[bridge.selectors.it]\nkind = \"file\"\npath = {}\nrefresh = \"1h\"\nmax_age = \"1h\"\n\
         timeout = \"{TIMEOUT:?}\"\n",
        quoted(&directory.join("it.prom"))
    )
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A file whose time is far from the wall clock, as after a jump.
#[test]
fn a_file_has_an_implausible_modification_time() {
    let scene = Scene::start(file);
    let path = scene.folder().join("it/it.prom");
    let write = |text: &str, modified: SystemTime| {
        let next = path.with_extension("next");
        fs::write(&next, text).unwrap();
        let opened = File::options().write(true).open(&next).unwrap();
        opened.set_modified(modified).unwrap();
        fs::rename(&next, &path).unwrap();
    };
    let age = || {
        let series = "local_exporter_file_age_seconds{selector=\"it\"}";
        scene.exporter.metric(series)
    };
    scene.meanwhile("file has an implausible modification time", || {
        let (now, began) = (SystemTime::now(), Instant::now());
        let times = [
            ("future 1\n", now + DAY * 365, 200),
            ("past 1\n", now - DAY, 502),
            ("epoch 1\n", SystemTime::UNIX_EPOCH, 502),
            ("before 1\n", SystemTime::UNIX_EPOCH - DAY, 502),
            ("now 1\n", now, 200),
            ("then 1\n", now, 200),
        ];
        for (text, modified, status) in times {
            write(text, modified);
            until(text, || {
                let reply = scene.exporter.scrape("it");
                match status {
                    200 => reply.text() == text,
                    _ => reply.text().starts_with("selector \"it\": stale: "),
                }
            });
            assert_eq!(scene.exporter.scrape("it").status, status, "{text}");
            assert!(age() >= Some(0.0), "{text}: {:?}", age());
        }
        (Outcome::good(began.elapsed()), ())
    });
}

/// A daemon that hangs takes its timeout as measured by this machine, whatever the exporter's clock.
#[track_caller]
fn waits_as_long(name: &str, command: Command, meanwhile: impl FnOnce(&Exporter) -> Option<Storm>) {
    let (scene, daemon) = socket::stage(command);
    let expected = Expected::timeout("it wrote nothing");
    scene.fault(
        name,
        expected,
        Recovery::InTheNextResponse,
        || {
            daemon.set(Behaviour::HangAfterAccept).unwrap();
            meanwhile(&scene.exporter)
        },
        |storm| {
            daemon.set(socket::good()).unwrap();
            storm
        },
    );
}

/// A command with a monotonic clock that differs from this machine's by this many seconds.
fn monotonic(seconds: i64) -> Option<Command> {
    let (monotonic, boot) = (
        format!("--monotonic={seconds}"),
        format!("--boottime={seconds}"),
    );
    // Only child processes are in a time namespace.
    after(
        "true",
        &[],
        &["--time", "--fork", "--kill-child", &monotonic, &boot],
    )
}

#[test]
fn the_machine_has_just_started() {
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime: i64 = uptime.split('.').next().unwrap().parse().unwrap();
    if let Some(command) = monotonic(1 - uptime) {
        waits_as_long("machine has just started", command, |_| None);
    }
}

#[test]
fn the_machine_has_been_running_for_decades() {
    if let Some(command) = monotonic(1_000_000_000) {
        waits_as_long("machine runs for decades", command, |_| None);
    }
}

/// `libfaketime`, which gives a program its own wall clock (Debian package `libfaketime`, a
/// dependency of `faketime`).
fn faketime() -> Option<PathBuf> {
    let below = fs::read_dir("/usr/lib").ok()?;
    let library = |entry: io::Result<fs::DirEntry>| {
        let path = entry.ok()?.path().join("faketime/libfaketimeMT.so.1");
        path.exists().then_some(path)
    };
    below.filter_map(library).next()
}

/// Makes the clock jump forward and back; the times in the log show that the process sees it.
fn jumps_there(exporter: &Exporter, clock: &PromFile) {
    let time = || {
        let line: Value = serde_json::from_str(exporter.log().last().unwrap()).unwrap();
        humantime::parse_rfc3339(line["time"].as_str().unwrap()).unwrap()
    };
    let now = SystemTime::now();
    clock.write(b"+10d").unwrap();
    exporter.signal("HUP");
    until("the clock is days ahead", || time() > now + DAY * 9);
    clock.write(b"-10d").unwrap();
    exporter.signal("HUP");
    until("the clock is days behind", || time() < now - DAY * 9);
}

#[test]
fn the_wall_clock_jumps_while_it_waits() {
    let Some(library) = faketime() else {
        skip("libfaketime is not installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let clock = PromFile::new(folder.path().join("clock"));
    clock.write(b"+0").unwrap();
    let mut command = program();
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", clock.path())
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("NO_FAKE_STAT", "1");
    waits_as_long("wall clock jumps", command, |exporter| {
        jumps_there(exporter, &clock);
        let jumps = [&b"+10d"[..], b"-10d", b"+0", b"+9000d", b"-9000d"];
        let storm = Storm::of(move |round| {
            let round = usize::try_from(round).unwrap_or_default();
            clock.write(jumps[round % jumps.len()])?;
            hold(Duration::from_millis(50));
            Ok(())
        });
        Some(storm.unwrap())
    });
}
