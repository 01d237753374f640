//! Many selectors: startup, pages and reloads.

use super::assert_linear;
use super::processor::time_of;
use crate::support::{Exporter, until};
use std::fmt::Write as _;
use std::time::Duration;

/// How many selectors the smaller exporter has.
const SELECTORS: usize = 2000;

/// Selectors whose sockets do not exist.
fn selectors(count: usize, keys: &str) -> String {
    let mut text = "[bridge.selectors]\n".to_owned();
    for number in 0..count {
        let _ = writeln!(
            text,
            "s{number} = {{ kind = \"uds\", path = \"/n/{number}\"{keys} }}"
        );
    }
    text
}

fn time(exporter: &Exporter) -> Duration {
    time_of(exporter.process())
}

#[test]
fn startup_with_many_selectors_takes_linear_time() {
    assert_linear("startup", SELECTORS, |size| {
        let exporter = Exporter::start(&selectors(size, ""));
        until("it is ready", || exporter.get("/-/ready").status == 200);
        time(&exporter)
    });
}

#[test]
fn pages_about_many_selectors_take_linear_time() {
    // The first request for each page: later ones may be served from memory.
    for page in ["/metrics", "/debug/actors", "/sd", "/config", "/"] {
        assert_linear(page, SELECTORS, |size| {
            let exporter = Exporter::start(&selectors(size, ""));
            until("it is ready", || exporter.get("/-/ready").status == 200);
            let before = time(&exporter);
            assert_eq!(exporter.get(page).status, 200);
            time(&exporter) - before
        });
    }
}

#[test]
fn a_reload_of_many_selectors_takes_linear_time() {
    let reloads = [
        ("a reload of changed selectors", ", timeout = \"2s\""),
        ("a reload", ""),
    ];
    for (what, keys) in reloads {
        assert_linear(what, SELECTORS, |size| {
            let exporter = Exporter::start(&selectors(size, ""));
            until("it is ready", || exporter.get("/-/ready").status == 200);
            let before = time(&exporter);
            let added = "added = { kind = \"uds\", path = \"/n/added\" }\n";
            exporter.configure(&(selectors(size, keys) + added));
            exporter.signal("HUP");
            until("it has reloaded", || exporter.scrape("added").status != 404);
            time(&exporter) - before
        });
    }
}
