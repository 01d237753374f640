//! Every input of the corpus keeps the rules of its fuzz target.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and says at which input"
)]

use local_exporter_fuzz::{configuration, dbus_reply, query};
use std::fs;
use std::path::Path;

/// Runs a target on each of its inputs; a failing test prints the file it read last.
fn each_input_of(target: &str, run: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
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
fn the_corpus_of_configurations_keeps_the_rules() {
    each_input_of("configuration", |input| {
        configuration::run(str::from_utf8(input).unwrap());
    });
}

#[test]
fn the_corpus_of_bus_replies_keeps_the_rules() {
    each_input_of("dbus_reply", dbus_reply::run);
}

#[test]
fn the_corpus_of_queries_keeps_the_rules() {
    each_input_of("query", query::run);
}
