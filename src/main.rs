//! The program: arguments in, exit status out.

use local_exporter::{Command, return_freed_memory};
use std::process::ExitCode;

/// `docs/src/development/dependencies.md` compares it with others.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    return_freed_memory();
    Command::from_process_arguments().execute()
}
