//! Reports that a test cannot run on this machine.
//!
//! libtest has no result "skipped", so a test that calls [`skip`] returns and passes. `.ci/run` collects the
//! reports and fails on each that it does not expect. A crate of its own without dependencies, for the tests of
//! every package.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{Write, stderr};

/// The variable that names the file to which reports are appended.
pub const FILE_VARIABLE: &str = "LOCAL_EXPORTER_SKIPPED_TESTS";

/// Reports that the calling test, or the rest of it, is skipped.
///
/// Writes `SKIPPED: reason` to standard error, past libtest's capturing of output. If [`FILE_VARIABLE`] is set,
/// also appends a line to that file: the name of the test, a tab and the reason.
///
/// # Panics
///
/// If the file cannot be written: a skip that is not counted would be lost.
#[allow(clippy::panic, reason = "only tests call it")]
pub fn skip(reason: impl Display) {
    let _ = writeln!(stderr().lock(), "SKIPPED: {reason}");
    let Some(path) = std::env::var_os(FILE_VARIABLE) else {
        return;
    };
    let line = format!("{}\t{reason}\n", test_name());
    let file = OpenOptions::new().create(true).append(true).open(path);
    // One write, so that tests which run at the same time do not mix their lines.
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = written {
        panic!("{FILE_VARIABLE}: {error}");
    }
}

/// The name that cargo-nextest gives to its test, or that of the thread, which libtest names after it.
fn test_name() -> String {
    std::env::var("NEXTEST_TEST_NAME").unwrap_or_else(|_| {
        let thread = std::thread::current();
        thread.name().unwrap_or("unknown").to_owned()
    })
}
