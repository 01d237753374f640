//! `docs/src/endpoints.md` has every URL, and every field of `/debug/actors`.

use super::table::{code, rows};
use crate::support::{Exporter, until};
use local_exporter::ENDPOINTS;
use std::collections::BTreeSet;

const PAGE: &str = "docs/src/endpoints.md";

#[test]
fn every_endpoint_has_a_row_with_its_methods_and_every_row_a_page() {
    let rows = rows(PAGE, "# Endpoints");
    let documented: BTreeSet<(String, String)> = rows
        .iter()
        .map(|row| {
            let path = code(&row[0]).split('?').next().unwrap();
            (path.to_owned(), row[1].clone())
        })
        .collect();
    let endpoints = ENDPOINTS.iter();
    let expected = endpoints.map(|at| (at.path.to_owned(), at.methods.as_str().to_owned()));
    assert_eq!(documented, expected.collect());
    let exporter = Exporter::start("");
    until("the exporter is ready", || {
        exporter.get("/-/ready").status == 200
    });
    for (path, _) in documented {
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
