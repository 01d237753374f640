//! The program: arguments in, exit code out.
//!
//! It may not name a route or a kind of source.

#[cfg(target_env = "gnu")]
mod allocator;

use clap::Parser;
use local_exporter::command::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Command::parse();
    #[cfg(target_env = "gnu")]
    allocator::pin_mapping_bound();
    command.execute()
}
