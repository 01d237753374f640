//! The program: arguments in, exit code out.
//!
//! It may not name a route or a kind of source.

use local_exporter::Command;
#[cfg(target_env = "gnu")]
use local_exporter::pin_mapping_bound;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Command::of_process();
    #[cfg(target_env = "gnu")]
    pin_mapping_bound();
    command.execute()
}
