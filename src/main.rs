//! The program: arguments in, exit code out.
//!
//! It may not name a route or a kind of source.

#[cfg(target_env = "gnu")]
mod allocator;

use local_exporter::command::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Command::of_process();
    #[cfg(target_env = "gnu")]
    allocator::pin_mapping_bound();
    command.execute()
}
