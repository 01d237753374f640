//! The process survives actors that panic, stop or get stuck at any fault point, thousands of
//! times and under load.
//!
//! Faults can be injected only if the program was built with the feature `faults`:
//! `cargo test --features faults --test integration panics::`. Without the feature, this module
//! only shows that the program contains no fault injection; with it, `.ci/run` shows the same of
//! the program that is shipped.

#[cfg(feature = "faults")]
mod failures;
#[cfg(feature = "faults")]
mod scene;
#[cfg(feature = "faults")]
mod stuck;

use crate::support::{Exporter, program, request};
#[cfg(feature = "faults")]
use local_exporter_skip::skip;
use std::process::Command;

/// The beginning of the message of an injected panic.
const INJECTED: &str = "injected fault at ";

/// The variable that names the program built with the profile `dist`.
#[cfg(feature = "faults")]
const SHIPPED: &str = "LOCAL_EXPORTER_DIST_PROGRAM";

#[test]
fn faults_can_be_injected_only_with_the_feature() {
    check_injection(program(), cfg!(feature = "faults"));
}

/// Reports a skip without that program: `.ci/run` expects none, so it fails if it builds none.
#[cfg(feature = "faults")]
#[test]
fn the_program_that_is_shipped_contains_no_fault_injection() {
    let Some(shipped) = std::env::var_os(SHIPPED) else {
        return skip(format_args!("{SHIPPED} does not name the program to check"));
    };
    check_injection(Command::new(shipped), false);
}

/// Asserts that a program contains fault injection and executes its commands, or neither.
fn check_injection(program: Command, expected: bool) {
    let text = std::fs::read(program.get_program()).unwrap();
    let text = String::from_utf8_lossy(&text);
    let has = |what: &str| text.contains(what);
    assert!(has("/debug/actors"), "texts in the program cannot be found");
    for text in [INJECTED, "/debug/faults"] {
        assert_eq!(has(text), expected, "{text:?}");
    }

    let exporter = Exporter::start_as(program, "[bridge.selectors]\nit = \"/nowhere\"\n");
    for method in ["GET", "POST"] {
        let url = exporter.url("/debug/faults?selector=it&order=panic+handler");
        let accepted = expected && method == "POST";
        let reply = request(method, &url, &[]);
        assert_eq!(reply.status == 200, accepted, "{method}: {}", reply.text());
    }
    let reply = exporter.scrape("it");
    assert_eq!(reply.status == 503, expected, "{}", reply.text());
}
