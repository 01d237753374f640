//! The tables of `docs/src/configuration.md` have every key once, in its table and with its default.
//!
//! The list of keys is the loader's own, [`reference`]; it is compared there with what is read.

use super::table::{code, rows};
use super::text;
use local_exporter_config::{DefaultValue, Key, KeyTable, TakesEffect, reference};
use std::collections::BTreeMap;

const PAGE: &str = "docs/src/configuration.md";
const COMMON: &str = "## Keys of every selector";

/// A row: its type and its default, as they are written.
type Row = (String, String);

/// The rows below a heading by key, without a prefix.
fn documented(heading: &str, prefix: &str) -> BTreeMap<String, Row> {
    let mut keys = BTreeMap::new();
    for row in rows(PAGE, heading) {
        let name = code(&row[0]);
        let key = name.strip_prefix(prefix);
        let key = key.unwrap_or_else(|| panic!("{name} is below {heading}"));
        assert!(row[3].len() > 15, "{name} has no meaning");
        let before = keys.insert(key.to_owned(), (row[1].clone(), row[2].clone()));
        assert_eq!(before, None, "{name} has two rows below {heading}");
    }
    keys
}

/// The rows that a table of the loader should have, by key.
fn table_rows(table: &KeyTable) -> BTreeMap<String, Row> {
    match (table.header, table.kind) {
        ("service", None) => documented("## Keys of `[service]`", "service."),
        ("bridge", None) => {
            let mut keys = documented("## Keys of `[bridge]`", "bridge.");
            keys.retain(|key, _| !key.contains('.'));
            keys
        }
        ("bridge.defaults", None) => {
            let keys = documented("## Keys of `[bridge]`", "bridge.");
            let below =
                |(key, row): (String, Row)| Some((key.strip_prefix("defaults.")?.to_owned(), row));
            keys.into_iter().filter_map(below).collect()
        }
        ("bridge.selectors.NAME", Some(kind)) => {
            let mut keys = documented(COMMON, "");
            for (key, row) in documented(&format!("## Keys of kind `{kind}`"), "") {
                assert!(
                    keys.insert(key.clone(), row).is_none(),
                    "{key} is in two tables"
                );
            }
            keys
        }
        (header, kind) => panic!("no page describes [{header}] of kind {kind:?}"),
    }
}

/// Whether the default in a row is that of the key.
fn agrees(key: &Key, written: &str) -> bool {
    match key.default {
        DefaultValue::Required => written == "required",
        DefaultValue::Inherited => written == "`bridge.defaults`",
        DefaultValue::Value(value) => written == format!("`{value}`"),
        // In words, or the value of another key that applies in its place.
        DefaultValue::Absent => {
            key.name == "listen" || !written.starts_with(['`', '"']) || written.starts_with("`$")
        }
    }
}

#[test]
fn every_key_has_a_row_in_its_table_with_its_default() {
    let mut checked = 0;
    for table in reference() {
        let mut rows = table_rows(&table);
        for key in &table.keys {
            let place = format!("{} of [{}] {:?}", key.name, table.header, table.kind);
            let row = rows.remove(key.name);
            let (kind, default) = row.unwrap_or_else(|| panic!("{place} has no row"));
            assert!(
                agrees(key, &default),
                "{place}: {:?}, not {default}",
                key.default
            );
            assert_eq!(kind.contains("list"), key.list, "{place}: {kind}");
            checked += 1;
        }
        assert!(
            rows.is_empty(),
            "[{}] {:?} has no {rows:?}",
            table.header,
            table.kind
        );
    }
    assert!(checked > 70, "only {checked} keys were found");
}

/// `listen` has no default of its own; those of `address` and `port` mean the same.
#[test]
fn the_default_of_listen_is_every_address_and_the_default_port() {
    let rows = documented("## Keys of `[service]`", "service.");
    assert_eq!(
        rows["listen"].1,
        format!("`\":{}\"`", rows["port"].1.trim_matches('`'))
    );
}

#[test]
fn the_page_on_reloading_lists_the_keys_that_need_a_restart() {
    let rows = rows("docs/src/operations/reload.md", "## Effects on keys");
    let restart = rows
        .iter()
        .find(|row| row[1].starts_with("after a restart"));
    let listed = restart.unwrap()[0].split('`').skip(1).step_by(2);
    let mut listed: Vec<&str> = listed.collect();
    listed.sort_unstable();
    let tables = reference();
    let keys = tables.iter().flat_map(|table| &table.keys);
    let needs_restart = keys.filter(|key| key.takes_effect == TakesEffect::Restart);
    let mut expected: Vec<&str> = needs_restart.map(|key| key.name).collect();
    expected.sort_unstable();
    assert_eq!(listed, expected);
}

#[test]
fn the_example_configuration_has_every_key() {
    let example = text("deploy/config.example.toml");
    for table in reference() {
        for key in table.keys {
            // The older keys of one listener cannot be combined with `listen`.
            let older = ["address", "port"].contains(&key.name);
            let key = format!("{} = ", key.name);
            assert!(older || example.contains(&key), "{key}");
        }
    }
}
