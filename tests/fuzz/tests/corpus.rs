//! Every input of the corpus keeps the rules of its fuzz target.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use local_exporter_exposition_fuzz::corpus;
use local_exporter_fuzz::{configuration, dbus_reply, query};
use std::path::Path;

/// Runs a target on each of its inputs.
fn each_input_of(target: &str, run: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    corpus::run_each(&folder.join(target), run);
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
