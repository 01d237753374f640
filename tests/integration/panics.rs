//! Nothing takes the process down: actors that panic, stop or get stuck at any place,
//! by the thousand and under load.
//!
//! The program does so on order alone, and takes orders only where it was built with
//! the feature `faults`: `cargo test --features faults --test integration panics::`.
//! Without it, what is shown here is that nothing of it is in the program.

#[cfg(feature = "faults")]
mod failures;
#[cfg(feature = "faults")]
mod scene;
#[cfg(feature = "faults")]
mod stuck;

use crate::support::{Exporter, program, request};

/// What an actor says when it panics on order.
const INJECTED: &str = "injected fault at ";

#[test]
fn the_program_takes_orders_only_where_it_was_built_to() {
    let built_to = cfg!(feature = "faults");
    let program = std::fs::read(program().get_program()).unwrap();
    let program = String::from_utf8_lossy(&program);
    let has = |text: &str| program.contains(text);
    assert!(has("/debug/actors"), "what is in it cannot be found");
    for text in [INJECTED, "/debug/faults"] {
        assert_eq!(has(text), built_to, "{text:?}");
    }

    let exporter = Exporter::start("[bridge.selectors]\nit = \"/nowhere\"\n");
    for method in ["GET", "POST"] {
        let url = exporter.url("/debug/faults?selector=it&order=panic+handler");
        let obeyed = built_to && method == "POST";
        let reply = request(method, &url, &[]);
        assert_eq!(reply.status == 200, obeyed, "{method}: {}", reply.text());
    }
    let reply = exporter.scrape("it");
    assert_eq!(reply.status == 503, built_to, "{}", reply.text());
}
