//! The program: arguments in, exit code out.
//!
//! It may not name a route or a kind of source.

use clap::Parser;
use local_exporter::command::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    Command::parse().execute()
}
