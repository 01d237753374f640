//! Exit statuses and output, shared by all commands.
//!
//! `0`: success. `1`: the operation failed. `2`: the arguments or the configuration are wrong;
//! standard error lists every error.

use std::io::{self, Write};
use std::process::ExitCode;

/// The exit status for wrong arguments, as clap uses it, and for a wrong configuration.
pub(super) const WRONG: u8 = 2;

/// Writes output to standard output. Fails when it is closed, as by `head`.
pub(super) fn print(output: &[u8]) -> ExitCode {
    match io::stdout().lock().write_all(output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes a line to standard error, which may be closed.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
