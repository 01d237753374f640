//! `docs/src/endpoints.md` has every URL, and every field of `/debug/actors`.

use super::table::{code, rows};
use super::text;
use crate::support::{Exporter, until};
use std::collections::BTreeSet;

const PAGE: &str = "docs/src/endpoints.md";

/// The paths that the routes name. `/metrics` is a setting there.
fn routed() -> BTreeSet<String> {
    let routes = text("src/pages/routes.rs");
    let code = routes.lines().filter(|line| !line.trim().starts_with("//"));
    let literals = code.flat_map(|line| line.split('"').skip(1).step_by(2));
    let mut paths: BTreeSet<String> = literals
        .map(|literal| literal.trim_start_matches("{prefix}").to_owned())
        .filter(|path| path.starts_with('/'))
        .collect();
    // Only with the feature `faults`.
    paths.remove("/debug/faults");
    paths.insert("/metrics".to_owned());
    paths
}

#[test]
fn every_route_has_a_row_and_every_row_a_page() {
    let rows = rows(PAGE, "# Endpoints");
    let documented: BTreeSet<String> = rows
        .iter()
        .map(|row| code(&row[0]).split('?').next().unwrap().to_owned())
        .collect();
    assert_eq!(documented, routed());
    let exporter = Exporter::start("");
    until("it is ready", || exporter.get("/-/ready").status == 200);
    for path in documented {
        let status = exporter.get(&path).status;
        let expected = match path.as_str() {
            // Without its parameter.
            "/bridge" => 400,
            // Only POST and PUT.
            "/-/reload" => 405,
            _ => 200,
        };
        assert_eq!(status, expected, "{path}");
    }
}

#[test]
fn every_field_of_the_debug_page_is_described() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.prom"), "a 1\n").unwrap();
    let exporter = Exporter::start(&format!("[bridge.selectors]\na = {:?}\n", folder.path()));
    until("the file is read", || {
        exporter.actor("a")["cache"].is_object()
    });
    let actor = exporter.actor("a");
    let documented = |heading: &str, row: fn(&[Vec<String>]) -> Vec<String>| -> BTreeSet<String> {
        row(&rows(PAGE, heading)).into_iter().collect()
    };
    let fields = documented("## `/debug/actors`", |rows| {
        let names = rows
            .iter()
            .flat_map(|row| row[0].split('`').skip(1).step_by(2));
        names.map(ToOwned::to_owned).collect()
    });
    let keys = |value: &serde_json::Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let mut expected = keys(&actor);
    expected.extend(keys(&actor["cache"]));
    assert_eq!(fields, expected);
}
