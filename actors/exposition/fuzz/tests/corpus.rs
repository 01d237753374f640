//! Every input of the corpus, and every body with a verdict, keeps the rules of the fuzz target.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and says at which input"
)]

use local_exporter_exposition_fuzz::run;
use std::fs;
use std::path::Path;

/// Runs the target on each file of `folder`; a failing test prints the file it read last.
fn run_each(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
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

#[test]
fn the_corpus_keeps_the_rules() {
    run_each("corpus/check");
}

#[test]
fn bodies_with_verdicts_keep_the_rules() {
    for format in ["text", "openmetrics", "protobuf"] {
        run_each(&format!("../tests/corpus/{format}"));
    }
}
