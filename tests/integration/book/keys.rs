//! The tables of `docs/src/configuration.md` have every key once, in its table and with its default.

use super::table::{code, rows};
use super::text;
use local_exporter_config::{ConfigErrors, Environment, Input, Settings, load};
use std::collections::BTreeMap;

const PAGE: &str = "docs/src/configuration.md";

/// The keys of `[service]`, `[bridge]` and each kind, as the loader lists them for an unknown one.
fn expected_keys(table: &str, text: &str) -> Vec<String> {
    let errors = configured(text).unwrap_err();
    let unknown = format!("{table}.x");
    let error = errors.0.iter().find(|error| error.key == unknown);
    let error = error.unwrap_or_else(|| panic!("{unknown} is no error in {text}"));
    let keys = error.expected.split('`').skip(1).step_by(2);
    let mut keys: Vec<String> = keys.map(ToOwned::to_owned).collect();
    keys.sort();
    keys
}

fn configured(text: &str) -> Result<Settings, ConfigErrors> {
    let input = Input {
        name: "book".to_owned(),
        text: text.to_owned(),
    };
    load(Some(&input), &Environment::new())
}

/// A selector of each kind, with nothing but what is required.
const KINDS: [(&str, &str); 3] = [
    ("uds", "kind = \"uds\"\npath = \"/s\"\n"),
    ("file", "kind = \"file\"\npath = \"/f\"\n"),
    (
        "dbus",
        "kind = \"dbus\"\npath = \"/o\"\ndestination = \"a.b\"\nmethod = \"a.b.C\"\n",
    ),
];

/// The keys of the rows below a heading, without a prefix, with their default cells.
fn documented(heading: &str, prefix: &str) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    for row in rows(PAGE, heading) {
        let name = code(&row[0]);
        let key = name.strip_prefix(prefix);
        let key = key.unwrap_or_else(|| panic!("{name} is below {heading}"));
        let before = keys.insert(key.to_owned(), row[2].clone());
        assert_eq!(before, None, "{name} has two rows below {heading}");
    }
    keys
}

fn names(keys: &BTreeMap<String, String>) -> Vec<String> {
    keys.keys().cloned().collect()
}

#[test]
fn every_key_of_the_service_has_a_row() {
    let documented = documented("## Keys of `[service]`", "service.");
    let expected = expected_keys("service", "[service]\nx = 1\n");
    assert_eq!(names(&documented), expected);
}

#[test]
fn every_key_of_the_bridge_has_a_row() {
    let mut documented = documented("## Keys of `[bridge]`", "bridge.");
    let tables = expected_keys("bridge", "[bridge]\nx = 1\n");
    let defaults = expected_keys("bridge.defaults", "[bridge.defaults]\nx = 1\n");
    let mut expected: Vec<String> = defaults
        .iter()
        .map(|key| format!("defaults.{key}"))
        .collect();
    expected.extend(
        tables
            .into_iter()
            .filter(|key| key != "defaults" && key != "selectors"),
    );
    expected.sort();
    assert!(documented.remove("selectors.NAME").is_some());
    assert_eq!(names(&documented), expected);
}

#[test]
fn every_key_of_a_kind_has_a_row_in_its_table_or_in_that_of_all() {
    let common = documented("## Keys of every selector", "");
    for (kind, text) in KINDS {
        let own = documented(&format!("## Keys of kind `{kind}`"), "");
        let expected = expected_keys(
            "bridge.selectors.a",
            &format!("[bridge.selectors.a]\n{text}x = 1\n"),
        );
        let mut keys = names(&common);
        keys.extend(names(&own));
        keys.sort();
        assert_eq!(keys, expected, "{kind}");
    }
}

/// A key that is set to its documented default changes nothing.
fn changes_nothing(without: &str, table: &str, keys: &BTreeMap<String, String>) -> usize {
    let mut checked = 0;
    for (key, default) in keys {
        let Some(value) = default.strip_prefix('`') else {
            continue;
        };
        let value = value.trim_end_matches('`');
        // `bridge.defaults` and variables of the environment are no values.
        if value.starts_with("bridge.") || value.starts_with('$') {
            continue;
        }
        let with = format!("{table}\n{key} = {value}\n{without}");
        let settings = configured(&with).unwrap_or_else(|errors| panic!("{key}: {errors}"));
        let expected = configured(&format!("{table}\n{without}")).unwrap();
        assert_eq!(settings, expected, "{key} = {value}");
        checked += 1;
    }
    checked
}

#[test]
fn every_documented_default_is_the_default() {
    let service = documented("## Keys of `[service]`", "service.");
    let mut checked = changes_nothing("", "[service]", &service);
    let selectors: String = KINDS
        .iter()
        .map(|(kind, text)| format!("[bridge.selectors.{kind}]\n{text}"))
        .collect();
    let bridge = documented("## Keys of `[bridge]`", "bridge.");
    checked += changes_nothing(&selectors, "[bridge]", &bridge);
    for (kind, text) in KINDS {
        let own = documented(&format!("## Keys of kind `{kind}`"), "");
        checked += changes_nothing(text, "[bridge.selectors.a]", &own);
    }
    assert!(checked > 25, "only {checked} defaults were checked");
}

/// The other direction: what the program has as a default is written as one.
#[test]
fn every_built_in_default_is_documented() {
    let built_in: toml::Table = text("config/src/default.toml").parse().unwrap();
    let service = documented("## Keys of `[service]`", "service.");
    let bridge = documented("## Keys of `[bridge]`", "bridge.");
    let bridge = bridge
        .into_iter()
        .filter_map(|(key, default)| Some((key.strip_prefix("defaults.")?.to_owned(), default)))
        .collect();
    let tables = [
        (&service, built_in["service"].as_table().unwrap()),
        (&bridge, built_in["bridge"]["defaults"].as_table().unwrap()),
    ];
    for (documented, defaults) in tables {
        for (key, default) in defaults {
            assert_eq!(documented[key], format!("`{default}`"), "{key}");
        }
    }
}

#[test]
fn the_example_configuration_has_every_key() {
    let example = text("deploy/config.example.toml");
    let mut keys = names(&documented("## Keys of `[service]`", "service."));
    keys.extend(names(&documented("## Keys of every selector", "")));
    for (kind, _) in KINDS {
        keys.extend(names(&documented(&format!("## Keys of kind `{kind}`"), "")));
    }
    // The older keys of one listener cannot be combined with `listen`.
    keys.retain(|key| key != "address" && key != "port");
    for key in keys {
        assert!(example.contains(&format!("{key} = ")), "{key}");
    }
}
