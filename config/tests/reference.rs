//! The list of keys is what the readers accept, and its defaults are those that they apply.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use local_exporter_config::{
    ConfigErrors, DefaultValue, Environment, Input, Key, KeyTable, Settings, load, reference,
};
use std::collections::BTreeSet;

fn read(text: &str) -> Result<Settings, ConfigErrors> {
    let input = Input {
        name: "it".to_owned(),
        text: text.to_owned(),
    };
    load(Some(&input), &Environment::new())
}

/// A document with a line in a table, complete as far as a kind is needed to read the line.
fn document(table: &KeyTable, line: &str) -> String {
    let kind = match table.kind {
        Some(kind) if !line.starts_with("kind") => format!("kind = {kind:?}\n"),
        _ => String::new(),
    };
    format!("[{}]\n{kind}{line}\n", table.header)
}

/// The error about a key.
fn error(text: &str, key: &str) -> (String, String) {
    let errors = read(text).unwrap_err().0;
    let found = errors.into_iter().find(|error| error.key == key);
    let found = found.unwrap_or_else(|| unreachable!("no error about {key} in\n{text}"));
    (found.found, found.expected)
}

#[test]
fn the_keys_of_each_table_are_those_that_are_accepted() {
    for table in reference() {
        let path = format!("{}.nonsense", table.header);
        let (_, expected) = error(&document(&table, "nonsense = 1"), &path);
        let names = expected
            .strip_prefix("one of `")
            .unwrap()
            .trim_end_matches('`');
        let accepted: Vec<_> = names
            .split("`, `")
            // Tables of their own.
            .filter(|name| table.header != "bridge" || !["defaults", "selectors"].contains(name))
            .collect();
        let listed: Vec<_> = table.keys.iter().map(|key| key.name).collect();
        assert_eq!(listed, accepted, "{} {:?}", table.header, table.kind);
    }
}

#[test]
fn the_type_of_each_key_is_that_of_its_error_messages() {
    for table in reference() {
        for key in &table.keys {
            let path = format!("{}.{}", table.header, key.name);
            // No key is a fraction.
            let text = document(&table, &format!("{} = 0.5", key.name));
            assert_eq!(
                error(&text, &path),
                ("the number 0.5".into(), key.expected.into())
            );
            let text = document(&table, &format!("{} = [0.5]", key.name));
            match key.list {
                true => assert_eq!(error(&text, &format!("{path}[0]")).1, key.expected),
                false => assert_eq!(error(&text, &path).0, "an array", "{path}"),
            }
        }
    }
}

/// A value of TOML.
fn value(text: &str) -> toml::Value {
    let mut table: toml::Table = toml::from_str(&format!("it = {text}")).unwrap();
    table.remove("it").unwrap()
}

#[test]
fn the_defaults_of_tables_are_those_of_the_embedded_layer() {
    let embedded: toml::Table = toml::from_str(include_str!("../src/default.toml")).unwrap();
    for table in reference().iter().filter(|table| table.kind.is_none()) {
        let mut values = Some(&embedded);
        for name in table.header.split('.') {
            values = values.and_then(|values| values.get(name)?.as_table());
        }
        for Key { name, default, .. } in &table.keys {
            let expected = match default {
                DefaultValue::Value(text) => Some(value(text)),
                DefaultValue::Absent => None,
                DefaultValue::Required | DefaultValue::Inherited => unreachable!("{name}"),
            };
            let found = values.and_then(|values| values.get(*name));
            assert_eq!(found, expected.as_ref(), "{}.{name}", table.header);
        }
    }
}

/// The least that each kind needs.
fn smallest(kind: &str) -> &'static str {
    match kind {
        "dbus" => "destination = \"a.B\"\nmethod = \"a.B.C\"\npath = \"/\"",
        _ => "path = \"/run/a\"",
    }
}

#[test]
fn the_defaults_of_selectors_are_those_that_are_written() {
    let tables = reference();
    let defaults = tables
        .iter()
        .find(|table| table.header == "bridge.defaults");
    let inheritable: BTreeSet<_> = defaults.unwrap().keys.iter().map(|key| key.name).collect();
    let mut tried = 0;
    for table in tables.iter().filter(|table| table.kind.is_some()) {
        let kind = table.kind.unwrap();
        let settings = read(&document(table, smallest(kind))).unwrap();
        let written: toml::Table = toml::from_str(&settings.selectors[0].to_toml()).unwrap();
        let mut written = written["bridge"]["selectors"]["NAME"]
            .as_table()
            .unwrap()
            .clone();
        for key in &table.keys {
            let found = written.remove(key.name);
            match key.default {
                DefaultValue::Required => assert!(found.is_some(), "{kind}: {}", key.name),
                DefaultValue::Absent => assert_eq!(found, None, "{kind}: {}", key.name),
                DefaultValue::Value(text) => assert_eq!(found, Some(value(text)), "{kind}"),
                DefaultValue::Inherited => {
                    assert!(found.is_some(), "{kind}: {}", key.name);
                    assert!(inheritable.contains(key.name), "{kind}: {}", key.name);
                }
            }
        }
        assert!(written.is_empty(), "not in the reference: {written}");
        tried += 1;
    }
    assert_eq!(tried, 3);
}

#[test]
fn a_key_that_is_required_is_reported_as_missing() {
    for table in reference() {
        for key in &table.keys {
            if key.default == DefaultValue::Required {
                let text = match key.name {
                    "kind" => format!("[{}]\n", table.header),
                    _ => document(&table, ""),
                };
                let path = format!("{}.{}", table.header, key.name);
                assert_eq!(error(&text, &path), ("missing".into(), key.expected.into()));
            }
        }
    }
}

#[test]
fn descriptions_are_sentences_and_explain_an_absent_key() {
    for table in reference() {
        for key in &table.keys {
            let text = key.description;
            let sentence = text.starts_with(|c: char| c.is_ascii_uppercase() || c == '`');
            assert!(
                sentence && text.ends_with('.') && !text.contains("  "),
                "{text}"
            );
            if key.default == DefaultValue::Absent && key.name != "labels" {
                let explained = text.contains("Without it") || text.contains("default");
                assert!(explained, "{}: {text}", key.name);
            }
        }
    }
}
