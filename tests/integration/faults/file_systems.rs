//! Faults of file systems: they hang, report no changes, or are full.

use super::inotify::is_by;
use super::mounts::MOUNT;
use super::scene::{Expected, GOOD, Outcome, Recovery, SOON, Scene, TIMEOUT, When};
use crate::namespaces::after;
use crate::support::{quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::quiet_files::{OPTIONS, QuietFiles};
use local_exporter_daemons::scripted::ScriptedDaemon;
use local_exporter_skip::skip;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Mounts a FUSE file system.
pub(super) const QUIET: &str = "mount -i -t fuse -o \"$1\" quiet \"$2\" && exec </dev/null";

/// A FUSE file system, and a scene whose exporter alone sees it.
fn quiet(it: &str) -> Option<(QuietFiles, Scene, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let (files, command) = mounted(QUIET, at, GOOD, &[])?;
    let path = quoted(&folder.path().join("it.prom"));
    let it = it.replace("PATH", &path);
    let scene = Scene::start_as(command, "1h", |_| {
        format!("[bridge.selectors.it]\ntimeout = \"{TIMEOUT:?}\"\n{it}\n")
    });
    Some((files, scene, folder))
}

/// A FUSE file system, and a command that runs `script` with the mount point and `words` to mount
/// it; `None` if that is not possible here.
pub(super) fn mounted(
    script: &str,
    at: &str,
    content: &[u8],
    words: &[&str],
) -> Option<(QuietFiles, Command)> {
    let words = [&[OPTIONS, at], words].concat();
    let mut command = after(script, &words, &MOUNT)?;
    let Ok(files) = QuietFiles::new("it.prom", content) else {
        skip("/dev/fuse cannot be used here");
        return None;
    };
    command.stdin(files.device().unwrap());
    Some((files, command))
}

#[test]
fn reports_no_changes() {
    let Some((files, scene, _folder)) = quiet("kind = \"file\"\npath = PATH\nrefresh = \"100ms\"")
    else {
        return;
    };
    until("the file is served", || scene.is_good());
    scene.meanwhile("file system without events", || {
        let mut longest = Duration::ZERO;
        for round in 0..5 {
            let text = format!("round {round}\n");
            files.set(text.as_bytes());
            let began = Instant::now();
            until("the timer finds the change", || {
                scene.exporter.scrape("it").text() == text
            });
            longest = longest.max(began.elapsed());
        }
        assert!(is_by(&scene, "it", "polling"));
        assert!(is_by(&scene, "near_file", "events"));
        (Outcome::good(longest), ())
    });
}

#[test]
fn hangs_with_a_file() {
    let Some((files, scene, _folder)) = quiet("kind = \"file\"\npath = PATH\nrefresh = \"100ms\"")
    else {
        return;
    };
    scene.fault(
        "file system of a file hangs",
        Expected {
            when: When::AtOnce,
            ..Expected::timeout("the file system they are on hangs")
        },
        Recovery::Soon,
        || files.hang(),
        |()| files.resume().unwrap(),
    );
}

#[test]
fn hangs_at_startup() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let Some((files, command)) = mounted(QUIET, at, GOOD, &[]) else {
        return;
    };
    files.hang();
    let path = quoted(&folder.path().join("it.prom"));
    let scene = Scene::start_as(command, "1h", |_| {
        let keys = format!("timeout = \"{TIMEOUT:?}\"\nrefresh = \"100ms\"");
        format!("[bridge.selectors.it]\nkind = \"file\"\npath = {path}\n{keys}\n")
    });
    scene.meanwhile("file system hangs at startup", || {
        let began = Instant::now();
        scene
            .exporter
            .scrape("it")
            .assert_error(504, "it", "timeout");
        let took = began.elapsed();
        assert!(took < TIMEOUT + SOON, "{took:?}");
        files.resume().unwrap();
        until("the file is served", || scene.is_good());
        (Outcome::of(Expected::timeout(""), took), ())
    });
}

#[test]
fn hangs_with_a_socket() {
    let Some((files, scene, _folder)) = quiet("kind = \"uds\"\npath = PATH") else {
        return;
    };
    let expected = Expected::error("unsuitable", "is not a socket");
    scene.meanwhile("file system of a socket hangs", || {
        let began = Instant::now();
        expected.assert(&scene.exporter.scrape("it"), began.elapsed());
        files.hang();
        let expected = Expected::timeout("the file system that its path leads to hangs");
        let mut took = Duration::ZERO;
        for _ in 0..3 {
            let began = Instant::now();
            expected.assert(&scene.exporter.scrape("it"), began.elapsed());
            took = began.elapsed();
        }
        files.resume().unwrap();
        let reply = scene.exporter.scrape("it");
        reply.assert_error(502, "it", "unsuitable");
        (Outcome::of(expected, took), ())
    });
}

/// The path itself is on a disk or in memory; only its link leads to another file system.
#[test]
fn hangs_on_the_way_of_a_link_to_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (away, real) = (at("away"), at("real"));
    fs::create_dir(&away).unwrap();
    symlink(away.join("it.prom"), at("link")).unwrap();
    let _daemon = ScriptedDaemon::start(&real, Behaviour::Serve(GOOD.to_vec())).unwrap();
    // The name exists in that file system, with the socket mounted over it.
    let script = format!("{QUIET} && mount --bind \"$3\" \"$2/it.prom\"");
    let (away, real) = (away.to_str().unwrap(), real.to_str().unwrap());
    let Some((quiet, command)) = mounted(&script, away, GOOD, &[real]) else {
        return;
    };
    let path = quoted(&at("link"));
    let scene = Scene::start_as(command, "1h", |_| {
        format!("[bridge.selectors.it]\ntimeout = \"{TIMEOUT:?}\"\nkind = \"uds\"\npath = {path}\n")
    });
    // Dropped before the scene, which cannot stop an exporter that waits for the file system.
    let files = quiet;
    scene.fault(
        "file system that a link to a socket leads through hangs",
        Expected::timeout("the file system that its path leads to hangs"),
        Recovery::InTheNextResponse,
        || files.hang(),
        |()| files.resume().unwrap(),
    );
}

#[test]
fn is_full_of_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let script = "mount -t tmpfs -o size=64k full \"$1\"";
    let Some(command) = after(script, &[at], &MOUNT) else {
        return;
    };
    let scene = Scene::start_as(command, "1h", |_| {
        let path = quoted(&folder.path().join("it.prom"));
        format!("[bridge.selectors.it]\nkind = \"file\"\npath = {path}\nrefresh = \"1h\"\n")
    });
    let inside = PathBuf::from(format!("/proc/{}/root{at}", scene.exporter.process()));
    let file = PromFile::new(inside.join("it.prom"));
    file.write(GOOD).unwrap();
    until("the file is served", || scene.is_good());
    scene.meanwhile("file system is full", || {
        let began = Instant::now();
        let other = inside.join("other");
        let full = fs::write(&other, vec![0; 1 << 20]).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
        assert!(file.write(b"it 2\n").is_err(), "nothing fits beside it");
        assert!(scene.is_good(), "the existing file is unchanged");
        // Written in place, a part of it fits: the last good body is served, and the error is reported.
        assert!(file.write_in_place(&GOOD.repeat(4000)).is_err());
        until("the error is reported", || {
            let files = &scene.exporter.actor("it")["cache"]["files"];
            files[0]["error"].to_string().contains("truncated")
        });
        assert!(scene.is_good());
        fs::remove_file(&other).unwrap();
        file.write(b"it 3\n").unwrap();
        until("the new version is served", || {
            scene.exporter.scrape("it").text() == "it 3\n"
        });
        (Outcome::good(began.elapsed()), ())
    });
}
