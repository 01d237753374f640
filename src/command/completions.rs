//! `local-exporter completions`: what a shell needs to complete our arguments.
//!
//! Made from the definition that the arguments are read by, so it cannot be behind it.

use super::exit::print;
use clap::Args;
use clap_complete::Shell;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell that is to understand it.
    shell: Shell,
}

impl Completions {
    /// Writes the script for `command`, the definition of the arguments.
    pub(super) fn execute(&self, mut command: clap::Command) -> ExitCode {
        let mut script = Vec::new();
        let name = command.get_name().to_owned();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        match self.shell {
            Shell::Bash => print(mended(&script).as_bytes()),
            _ => print(&script),
        }
    }
}

/// The generator for bash spells a name with a hyphen in two ways, and finds no flag of any
/// command then (<https://github.com/clap-rs/clap/issues/6421>).
fn mended(script: &[u8]) -> String {
    String::from_utf8_lossy(script).replace("local__subcmd__exporter", "local__exporter")
}
