//! Runs the program in its own namespaces or as another user, where that is possible.
//!
//! Where it is not, tests are skipped.

use crate::support::{Exporter, program};
use local_exporter_skip::skip;
use std::process::{Command, Stdio};

const UNPRIVILEGED_USER: &str = "65534";

/// Runs the following arguments as the unprivileged user; requires root.
pub const AS_NOBODY: [&str; 6] = [
    "setpriv",
    "--reuid",
    UNPRIVILEGED_USER,
    "--regid",
    UNPRIVILEGED_USER,
    "--clear-groups",
];

/// Whether a command that creates the namespace works here.
pub fn possible(command: &[&str]) -> bool {
    let mut probe = Command::new(command[0]);
    probe.args(&command[1..]).arg("true").stderr(Stdio::null());
    let possible = probe.status().is_ok_and(|status| status.success());
    if !possible {
        skip(format_args!("{command:?} is not possible here"));
    }
    possible
}

/// Whether the unprivileged user can run the program: this process may switch to that user, which may
/// read the program.
pub fn nobody_can_run_it() -> bool {
    let can = Command::new(AS_NOBODY[0])
        .args(&AS_NOBODY[1..])
        .arg(program().get_program())
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !can {
        skip("another user cannot run the program here");
    }
    can
}

/// The program through a wrapper that executes its last arguments.
pub fn under(wrapper: &[&str]) -> Command {
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(program().get_program());
    command
}

/// The program in new namespaces, after a shell script that gets `words` as its arguments; `None`
/// where they cannot be created.
pub fn after(script: &str, words: &[&str], namespaces: &[&str]) -> Option<Command> {
    let mut wrapper = vec!["unshare"];
    wrapper.extend(namespaces);
    if !possible(&wrapper) {
        return None;
    }
    let script = format!("{script} && shift {} && exec \"$@\"", words.len());
    wrapper.extend(["sh", "-c", &script, "sh"]);
    wrapper.extend(words);
    Some(under(&wrapper))
}

/// Runs a shell script in the namespaces of the exporter.
pub fn within(exporter: &Exporter, namespaces: &[&str], script: &str) {
    let done = Command::new("nsenter")
        .args(namespaces)
        .args(["--target", &exporter.process().to_string(), "sh", "-c"])
        .arg(script)
        .status();
    assert!(done.unwrap().success(), "{script}");
}
