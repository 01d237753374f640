//! Every input of the corpus, and every body with a verdict, keeps the rules of the fuzz target.

use local_exporter_exposition_fuzz::{corpus, run};
use std::path::Path;

fn run_each(folder: &str) {
    corpus::run_each(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), run);
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
