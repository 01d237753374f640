//! The README is short, its quick start works as printed, and `.ci/run` finds the test command.

use crate::book::code_blocks;
use crate::support::program;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

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
