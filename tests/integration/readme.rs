//! The README is short, its quick start works as printed, and `.ci/run` finds the test command.

use crate::book::code_blocks;
use crate::support::{eventually, program};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const MOST_LINES: usize = 250;

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_readme_is_short_and_in_the_order_of_a_reader() {
    let text = readme();
    let lines = text.lines().count();
    assert!(lines <= MOST_LINES, "{lines} lines");
    let headings: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let expected = [
        "Installation",
        "Quick start",
        "Prometheus",
        "Permissions",
        "Migrating from the textfile collector",
        "Troubleshooting",
        "More",
        "Licence",
    ];
    assert_eq!(headings, expected);
}

#[test]
fn the_test_command_follows_its_marker() {
    let text = readme();
    let (_, after) = text
        .split_once("<!-- the test command -->\n```sh\n")
        .unwrap();
    let command = after.lines().next().unwrap();
    assert!(command.contains("cargo test --workspace"), "{command}");
}

/// The shell blocks of the quick start, up to the one that needs an installed service.
fn quick_start() -> String {
    let text = readme();
    let line = |heading: &str| text.lines().position(|line| line == heading).unwrap() + 1;
    let section = line("## Quick start")..line("## Prometheus");
    code_blocks("README.md")
        .into_iter()
        .filter(|block| {
            let at: usize = block.place.rsplit(':').next().unwrap().parse().unwrap();
            section.contains(&at) && block.language == "sh" && !block.code.contains("sudo ")
        })
        .map(|block| block.code)
        .collect()
}

/// The same text in a shell of its own; only the port is a free one.
#[test]
fn the_quick_start_works_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let script = quick_start().replace("9598", &port.to_string());
    assert!(
        script.contains("dbus-daemon") && script.contains("curl"),
        "{script}"
    );
    let binary = Path::new(program().get_program())
        .parent()
        .unwrap()
        .to_owned();
    let tools = folder.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    stand_in_for_curl(&tools);
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("timeout")
        .args(["60", "bash", "-euo", "pipefail", "-c", &script])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("TMPDIR", folder.path())
        .env(
            "PATH",
            format!("{}:{path}:{}", binary.display(), tools.display()),
        )
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{errors}");
    for sample in ["backup_size_bytes 4096", "jobs_total 42", "queue_length 3"] {
        assert!(printed.contains(sample), "{sample}: {printed}\n{errors}");
    }
    for selector in ["backup", "jobs", "queue"] {
        assert!(printed.contains(&format!("{selector}: ok, ")), "{printed}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

/// A process that does not outlive its test.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The programs that the README and the book show, with their socket.
fn python_daemons(socket: &Path) -> Vec<(&'static str, String)> {
    let readme = readme();
    let (_, after) = readme.split_once("<<'PYTHON'\n").unwrap();
    let (jobs, _) = after.split_once("\nPYTHON\n").unwrap();
    let blocks = code_blocks("docs/src/daemons.md").into_iter();
    let mut shown = blocks.filter(|block| block.language == "python");
    let path = "/run/mydaemon/public/metrics.promsock";
    let shown = shown.next().unwrap().code;
    assert!(shown.contains(path), "{shown}");
    vec![
        ("README.md", jobs.to_owned()),
        ("daemons.md", shown.replace(path, socket.to_str().unwrap())),
    ]
}

#[test]
fn a_client_that_disconnects_does_not_end_the_daemons_that_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("metrics.promsock");
    for (page, program) in python_daemons(&socket) {
        let _ = std::fs::remove_file(&socket);
        let mut command = Command::new("python3");
        command.args(["-c", &program]).arg(&socket);
        let daemon = Running(command.stdin(Stdio::null()).spawn().unwrap());
        eventually(page, || UnixStream::connect(&socket).ok());
        // Stopped, so that the client has disconnected before it is accepted.
        daemon.signal(Signal::STOP);
        for _ in 0..3 {
            drop(UnixStream::connect(&socket).unwrap());
        }
        let mut client = UnixStream::connect(&socket).unwrap();
        daemon.signal(Signal::CONT);
        client
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut body = String::new();
        client.read_to_string(&mut body).unwrap();
        assert!(body.contains("jobs_total 42\n"), "{page}: {body:?}");
    }
}

/// Last on the path, so it is used only on a machine without curl, which the tests do not need.
fn stand_in_for_curl(tools: &Path) {
    let program = "#!/usr/bin/env python3\n\
                   import sys, time, urllib.request\n\
                   for attempt in range(10):\n    \
                   try:\n        \
                   print(urllib.request.urlopen(sys.argv[-1]).read().decode(), end='')\n        \
                   break\n    \
                   except OSError:\n        \
                   time.sleep(1)\n\
                   else:\n    \
                   sys.exit(7)\n";
    let path = tools.join("curl");
    std::fs::write(&path, program).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
