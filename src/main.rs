//! The program: arguments in, exit status out.

use local_exporter::Command;
#[cfg(target_env = "gnu")]
use local_exporter::pin_mmap_threshold;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = Command::from_process_arguments();
    #[cfg(target_env = "gnu")]
    pin_mmap_threshold();
    command.execute()
}
