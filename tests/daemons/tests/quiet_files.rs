//! The quiet file system: reads return what was set, it hangs on request, and ends with its handle.
//!
//! Needs permission to mount; without it, the test is skipped.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, at the line that is wrong"
)]

mod client;

use client::eventually;
use local_exporter_daemons::quiet_files::{OPTIONS, QuietFiles};
use local_exporter_skip::skip;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};

/// A process in whose mount namespace it is mounted.
struct Mounted {
    process: Child,
    directory: PathBuf,
}

impl Mounted {
    fn start(files: &QuietFiles, directory: PathBuf) -> Self {
        let script = "mount -i -t fuse -o \"$1\" quiet \"$2\" && exec sleep 1000 <\"$2/ready\"";
        let process = Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh", OPTIONS])
            .arg(&directory)
            .stdin(files.device().unwrap())
            .spawn()
            .unwrap();
        Self { process, directory }
    }

    /// The name of the program that the process executes now.
    fn command(&self) -> String {
        fs::read_to_string(format!("/proc/{}/comm", self.process.id())).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.process.id()));
        root.join(self.directory.strip_prefix("/").unwrap())
            .join(name)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn reads_return_what_was_set_and_it_hangs_on_request() {
    let can_mount = Command::new("unshare").args(["--mount", "true"]).status();
    let files = QuietFiles::new("ready", b"a 1\n");
    let (Ok(files), true) = (files, can_mount.is_ok_and(|can| can.success())) else {
        skip("FUSE file systems cannot be mounted here");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mounted = Mounted::start(&files, folder.path().to_owned());
    let file = mounted.path("ready");
    assert!(eventually(
        || fs::read(&file).is_ok_and(|bytes| bytes == b"a 1\n")
    ));
    // Until then, the shell has the device as its standard input, and keeps the file system alive.
    assert!(eventually(|| mounted.command() == "sleep\n"));
    files.set(b"another 2\n");
    assert_eq!(fs::read(&file).unwrap(), b"another 2\n");
    assert!(fs::read(mounted.path("other")).is_err());
    let names = fs::read_dir(mounted.path("")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["ready"]);

    files.hang();
    std::thread::scope(|scope| {
        let read = scope.spawn(|| fs::read(&file));
        assert!(eventually(|| files.pending_requests() > 0));
        assert!(!read.is_finished());
        files.resume().unwrap();
        assert_eq!(read.join().unwrap().unwrap(), b"another 2\n");
    });
    files.hang();
    std::thread::scope(|scope| {
        let read = scope.spawn(|| fs::read(&file));
        assert!(eventually(|| files.pending_requests() > 0));
        drop(files);
        assert!(read.join().unwrap().is_err());
    });
}
