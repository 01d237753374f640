//! Nothing takes the process down: actors that panic, stop or get stuck at any place,
//! by the thousand and under load.
//!
//! The program fails on order, and accepts orders only if it was built with the feature `faults`:
//! `cargo test --features faults --test integration panics::`. Without the feature, this module only shows that
//! the program contains no fault injection; with it, `.ci/run` shows the same of the program that is shipped.

#[cfg(feature = "faults")]
mod failures;
#[cfg(feature = "faults")]
mod scene;
#[cfg(feature = "faults")]
mod stuck;

use crate::support::{Exporter, program, request};
use std::process::Command;

/// What an actor says when it panics on order.
const INJECTED: &str = "injected fault at ";

/// The variable that names the program built with the profile `dist`, if there is one to check as well.
const SHIPPED: &str = "LOCAL_EXPORTER_DIST_PROGRAM";

#[test]
fn the_program_takes_orders_only_where_it_was_built_to() {
    takes_orders(program(), cfg!(feature = "faults"));
    if let Some(shipped) = std::env::var_os(SHIPPED) {
        takes_orders(Command::new(shipped), false);
    }
}

/// Asserts that a program contains the fault injection and obeys it, or neither.
fn takes_orders(program: Command, expected: bool) {
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
        let obeyed = expected && method == "POST";
        let reply = request(method, &url, &[]);
        assert_eq!(reply.status == 200, obeyed, "{method}: {}", reply.text());
    }
    let reply = exporter.scrape("it");
    assert_eq!(reply.status == 503, expected, "{}", reply.text());
}
