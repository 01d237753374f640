//! The program in namespaces of its own, and as another user; and whether that can be had here.
//!
//! Where it cannot, a test says so and passes.

use crate::support::{Exporter, program};
use local_exporter_skip::skip;
use std::process::{Command, Stdio};

const NOBODY: &str = "65534";

/// Runs what follows as nobody; root may do that.
pub const AS_NOBODY: [&str; 6] = [
    "setpriv",
    "--reuid",
    NOBODY,
    "--regid",
    NOBODY,
    "--clear-groups",
];

/// Whether a command that makes the namespace works here.
pub fn possible(command: &[&str]) -> bool {
    let mut probe = Command::new(command[0]);
    probe.args(&command[1..]).arg("true").stderr(Stdio::null());
    let possible = probe.status().is_ok_and(|status| status.success());
    if !possible {
        skip(format_args!("{command:?} is not possible here"));
    }
    possible
}

/// Whether nobody can run the program: root may become nobody, and nobody may read it.
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

/// The program through another one, which must end up executing its last arguments.
pub fn under(wrapper: &[&str]) -> Command {
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(program().get_program());
    command
}

/// The program in new namespaces, where a shell script that is told `words` comes first; `None`
/// where they cannot be had.
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

/// Runs a shell script in namespaces of the exporter.
pub fn within(exporter: &Exporter, namespaces: &[&str], script: &str) {
    let done = Command::new("nsenter")
        .args(namespaces)
        .args(["--target", &exporter.process().to_string(), "sh", "-c"])
        .arg(script)
        .status();
    assert!(done.unwrap().success(), "{script}");
}
