//! `local-exporter completions`: generates shell completions from the definition of the arguments.

use super::exit::print;
use clap::Args;
use clap_complete::Shell;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell to generate completions for.
    shell: Shell,
}

impl Completions {
    /// Writes the script for `command`, the definition of the arguments.
    pub(super) fn execute(&self, mut command: clap::Command) -> ExitCode {
        let mut script = Vec::new();
        let name = command.get_name().to_owned();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        match self.shell {
            Shell::Bash => print(with_consistent_names(&script).as_bytes()),
            _ => print(&script),
        }
    }
}

/// Works around a bug of the generator for bash: it spells a name with a hyphen in two ways, so that
/// no flag of a command is completed (<https://github.com/clap-rs/clap/issues/6421>).
fn with_consistent_names(script: &[u8]) -> String {
    String::from_utf8_lossy(script).replace("local__subcmd__exporter", "local__exporter")
}
