//! A log that its reader does not read.

use super::scene::{GOOD, Outcome, SOON, Scene};
use super::unread::file;
use crate::serving::by_shell;
use crate::support::{eventually, open_to_all, until};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The scrapes whose log lines exceed a pipe, of 64 KiB, many times.
const SCRAPES: usize = 3000;

/// A process that copies the log of an exporter, and can stop reading it.
struct LogReader {
    /// A file with the id of the process.
    id: PathBuf,
    _folder: TempDir,
}

impl LogReader {
    /// A command that writes everything to a pipe, which the reader copies to standard error.
    fn new() -> (Self, Command) {
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let id = folder.path().join("id");
        let pipe = folder.path().join("pipe");
        let script = format!(
            "mkfifo {pipe:?}; cat {pipe:?} >&2 & echo $! >{id:?}; exec 2>{pipe:?}; \
             set -- \"$@\" -vv; "
        );
        let reader = Self {
            id,
            _folder: folder,
        };
        (reader, by_shell(&script))
    }

    fn signal(&self, name: &str) {
        let id = fs::read_to_string(&self.id).unwrap();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), id.trim()])
            .status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for LogReader {
    fn drop(&mut self) {
        // It ends with the exporter, but only while it reads.
        self.signal("CONT");
    }
}

#[test]
fn a_log_that_is_not_read_delays_nothing() {
    let (reader, command) = LogReader::new();
    let scene = Scene::start_as(command, "1h", |folder| file(folder, GOOD));
    until("the file is served", || scene.is_good());
    scene.meanwhile("log is not read", || {
        reader.signal("STOP");
        let mut longest = Duration::ZERO;
        for _ in 0..SCRAPES {
            let began = Instant::now();
            assert!(scene.is_good());
            longest = longest.max(began.elapsed());
        }
        assert!(longest < SOON, "{longest:?}");
        for page in ["/-/healthy", "/metrics", "/debug/actors"] {
            assert_eq!(scene.exporter.get(page).status, 200);
        }
        let dropped = scene
            .exporter
            .metric("local_exporter_log_lines_dropped_total");
        assert!(dropped > Some(0.0), "{dropped:?}");
        reader.signal("CONT");
        (Outcome::good(longest), ())
    });
}

#[test]
fn the_exporter_shuts_down_while_its_log_is_not_read() {
    let (reader, command) = LogReader::new();
    let mut scene = Scene::start_as(command, "1h", |folder| file(folder, GOOD));
    until("the file is served", || scene.is_good());
    reader.signal("STOP");
    for _ in 0..SCRAPES {
        assert!(scene.is_good());
    }
    let process = scene.exporter.process();
    scene.exporter.signal("TERM");
    eventually("it ends", || {
        let status = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        status.contains(") Z ").then_some(())
    });
    reader.signal("CONT");
    assert!(scene.exporter.ended().success());
}
