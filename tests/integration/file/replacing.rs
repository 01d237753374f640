//! Files that are replaced in several steps, as scripts do: no response lacks them or has a part of
//! them.

use super::{NO_TIMER, exporter, fails, serves};
use crate::support::{Exporter, until};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Another file system than that of temporary files.
const ELSEWHERE: &str = "/dev/shm";

/// One version of a file, large enough to be written in several steps.
fn version(number: usize) -> String {
    format!("it_first {number}\n") + &"# filler\n".repeat(20_000) + &format!("it_last {number}\n")
}

/// Whether a body consists of whole versions of `a.prom` and of the other file.
fn is_whole(body: &str) -> bool {
    let value = |name: &str| body.lines().find_map(|line| line.strip_prefix(name));
    value("it_first ").is_some()
        && value("it_first ") == value("it_last ")
        && body.contains("other 1\n")
}

/// A directory with `a.prom`, `b.prom` and an exporter that serves both.
fn two_files(more: &str) -> (Exporter, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.prom"), version(0)).unwrap();
    fs::write(folder.path().join("b.prom"), "other 1\n").unwrap();
    let exporter = exporter(folder.path(), &["".into()], more);
    until("both files are served", || {
        is_whole(&exporter.scrape("it").text())
    });
    is_watched(&exporter);
    (exporter, folder)
}

/// Waits until events report changes: before that, a write in progress is unknown.
#[track_caller]
fn is_watched(exporter: &Exporter) {
    until("the directory is watched", || {
        exporter.actor("it")["cache"]["watch"] == "events"
    });
}

/// Scrapes while `change` runs; every response has to be whole.
#[track_caller]
fn all_responses_are_whole_during(exporter: &Exporter, change: impl FnOnce() + Send) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            change();
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let reply = exporter.scrape("it");
            let (text, status) = (reply.text(), reply.status);
            let shown: String = text.lines().filter(|line| !line.starts_with('#')).collect();
            assert!(status == 200 && is_whole(&text), "{status}: {shown}");
        }
    });
}

/// Replaces `a.prom` many times by a command, as a script does.
#[track_caller]
fn replaced_by(command: &[&str]) {
    let (exporter, folder) = two_files(NO_TIMER);
    let elsewhere = tempfile::tempdir_in(ELSEWHERE).unwrap();
    let source = elsewhere.path().join("next");
    let last = 8;
    all_responses_are_whole_during(&exporter, || {
        for number in 1..=last {
            fs::write(&source, version(number)).unwrap();
            let (program, arguments) = command.split_first().unwrap();
            let mut command = Command::new(program);
            command.args(arguments).arg(&source);
            let status = command.arg(folder.path().join("a.prom")).status();
            assert!(status.unwrap().success());
            pause(Duration::from_millis(60));
        }
    });
    until("the last version is served", || {
        exporter
            .scrape("it")
            .text()
            .contains(&format!("it_last {last}\n"))
    });
}

#[test]
fn a_file_moved_from_another_file_system_is_never_missing() {
    replaced_by(&["mv"]);
}

#[test]
fn an_installed_file_is_never_missing() {
    replaced_by(&["install", "-m", "644"]);
}

#[test]
fn a_file_that_is_removed_and_written_again_is_never_missing() {
    let (exporter, folder) = two_files(NO_TIMER);
    let path = folder.path().join("a.prom");
    all_responses_are_whole_during(&exporter, || {
        for number in 1..5 {
            fs::remove_file(&path).unwrap();
            pause(Duration::from_millis(300));
            fs::write(&path, version(number)).unwrap();
        }
    });
    until("the last version is served", || {
        exporter.scrape("it").text().contains("it_last 4\n")
    });
}

#[test]
fn a_file_that_was_only_removed_disappears_after_a_second() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.prom"), "a 1\n").unwrap();
    let exporter = exporter(folder.path(), &["a.prom".into()], NO_TIMER);
    serves(&exporter, b"a 1\n");
    is_watched(&exporter);
    let removed = Instant::now();
    fs::remove_file(folder.path().join("a.prom")).unwrap();
    fails(&exporter, "absent");
    let after = removed.elapsed();
    assert!(after >= Duration::from_millis(900), "{after:?}");
}

/// A script that runs for longer than two seconds, with its output redirected to the file.
#[test]
fn a_file_that_is_open_for_long_is_not_served_in_part() {
    let (exporter, folder) = two_files(NO_TIMER);
    all_responses_are_whole_during(&exporter, || {
        let mut file = fs::File::create(folder.path().join("a.prom")).unwrap();
        for line in version(1).lines().step_by(500) {
            writeln!(file, "{line}").unwrap();
            pause(Duration::from_millis(75));
        }
        writeln!(file, "it_last 1").unwrap();
    });
    until("the version is served", || {
        exporter.scrape("it").text().contains("it_last 1\n")
    });
}

#[test]
fn a_file_that_is_appended_to_in_steps_is_not_served_in_part() {
    let (exporter, folder) = two_files(NO_TIMER);
    let path = folder.path().join("a.prom");
    all_responses_are_whole_during(&exporter, || {
        fs::write(&path, "it_first 1\n").unwrap();
        for _ in 0..30 {
            pause(Duration::from_millis(100));
            append(&path, "# filler\n");
        }
        append(&path, "it_last 1\n");
    });
    until("the version is served", || {
        exporter.scrape("it").text().contains("it_last 1\n")
    });
}

#[test]
fn a_new_file_that_is_open_is_not_served_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = exporter(folder.path(), &["".into()], NO_TIMER);
    fails(&exporter, "absent");
    is_watched(&exporter);
    let mut file = fs::File::create(folder.path().join("a.prom")).unwrap();
    file.write_all(b"a 1\n").unwrap();
    until("the write is noticed", || {
        exporter.scrape("it").text().contains("is being written")
    });
    exporter.scrape("it").assert_error(502, "it", "truncated");
    file.write_all(b"b 1\n").unwrap();
    drop(file);
    serves(&exporter, b"a 1\nb 1\n");
}

#[test]
fn a_file_that_ends_with_eof_is_served_while_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.prom");
    fs::write(&path, "a 1\n# EOF\n").unwrap();
    let exporter = exporter(folder.path(), &["a.prom".into()], NO_TIMER);
    serves(&exporter, b"a 1\n# EOF\n");
    is_watched(&exporter);
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(b"a 2\n").unwrap();
    for _ in 0..20 {
        assert_eq!(exporter.scrape("it").body, b"a 1\n# EOF\n");
    }
    let written = Instant::now();
    file.write_all(b"# EOF\n").unwrap();
    serves(&exporter, b"a 2\n# EOF\n");
    assert!(written.elapsed() < Duration::from_millis(1500));
    drop(file);
}

#[test]
fn a_file_that_is_never_closed_is_read_as_it_is_and_shown_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.prom");
    fs::write(&path, "a 1\n").unwrap();
    let exporter = exporter(folder.path(), &["a.prom".into()], ", refresh = \"1s\"");
    serves(&exporter, b"a 1\n");
    let never_closed = |expected: bool| {
        until("the mode is shown", || {
            exporter.actor("it")["cache"]["files"][0]["never_closed"] == expected
        });
    };
    never_closed(false);
    let mut file = fs::File::create(&path).unwrap();
    for number in 2..4 {
        let line = format!("a {number}\n");
        file.set_len(0).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        file.write_all(line.as_bytes()).unwrap();
        serves(&exporter, line.as_bytes());
        never_closed(true);
    }
    drop(file);
    never_closed(false);
    serves(&exporter, b"a 3\n");
}

fn append(path: &PathBuf, text: &str) {
    let file = fs::File::options().append(true).open(Path::new(path));
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

fn pause(time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}
