//! The program: arguments in, exit code out.
//!
//! It may not name a route or a kind of source.

use local_exporter::command::Command;
#[cfg(target_env = "gnu")]
use local_exporter::process::allocator;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Command::of_process();
    #[cfg(target_env = "gnu")]
    allocator::pin_mapping_bound();
    command.execute()
}
