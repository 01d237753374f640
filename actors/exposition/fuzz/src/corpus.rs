//! Runs a fuzz target on the files of a folder, for the tests of all fuzz targets.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and says at which input"
)]

use std::fs;
use std::path::Path;

/// Runs a target on each file of `folder`; a failing test prints the file it read last.
///
/// # Panics
/// If the folder cannot be read or is empty, or if the target panics.
pub fn run_each(folder: &Path, run: impl Fn(&[u8])) {
    let mut inputs: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    inputs.sort_unstable();
    assert!(!inputs.is_empty());
    for input in inputs {
        println!("{}", input.display());
        run(&fs::read(input).unwrap());
    }
}
