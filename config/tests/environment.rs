//! Environment variables: the keys they set, their precedence, and their errors.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use local_exporter_config::{Environment, Input, Listen, ListenAddress, Listeners, load};
use std::time::Duration;

/// A file with three selectors and a TCP listener.
fn file() -> Input {
    Input {
        name: "it".to_owned(),
        text: include_str!("../testdata/good-predecessor.toml").to_owned(),
    }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(owned).collect()
}

#[test]
fn the_environment_takes_precedence_over_the_file() {
    let variables = environment(&[
        ("LOCAL_EXPORTER__SERVICE__PORT", "9600"),
        ("LOCAL_EXPORTER__SERVICE__ADDRESS", "::1"),
        (
            "LOCAL_EXPORTER__BRIDGE__SELECTORS__DAEMON2__TIMEOUT",
            "250ms",
        ),
        ("LOCAL_EXPORTER__BRIDGE__SELECTORS__EXTRA", "/run/extra"),
        ("HOME", "/nowhere"),
    ]);
    let settings = load(Some(&file()), &variables).unwrap();
    let address = ListenAddress::One("::1".parse().unwrap());
    let expected = Listeners::Configured(vec![Listen::Tcp(address, 9600)]);
    assert_eq!(settings.service.listeners, expected);
    let timeouts: Vec<_> = settings
        .selectors
        .iter()
        .map(|s| s.limits.timeout)
        .collect();
    assert_eq!(timeouts.get(1), Some(&Duration::from_millis(250)));
    assert_eq!(settings.selectors.last().unwrap().name, "extra");
}

#[test]
fn an_error_in_the_environment_names_its_variable() {
    let variables = environment(&[
        ("LOCAL_EXPORTER__SERVICE__PORT", "many"),
        ("LOCAL_EXPORTER__BRIDGE__SELECTORS__X__KIND", "uds"),
        ("LOCAL_EXPORTER__COLOUR", "blue"),
    ]);
    let lines: Vec<_> = load(None, &variables)
        .unwrap_err()
        .0
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "environment LOCAL_EXPORTER__BRIDGE__SELECTORS__X__PATH: bridge.selectors.x.path: missing, \
         expected the absolute path of a socket, of at most 107 bytes (unix(7))",
        "environment LOCAL_EXPORTER__COLOUR: colour: unknown key `colour`, \
         expected one of `service`, `bridge`",
        "environment LOCAL_EXPORTER__SERVICE__PORT: service.port: \"many\", \
         expected a port number from 0 (any free one) to 65535",
    ];
    let mut lines = lines;
    lines.sort();
    assert_eq!(lines, expected);
}

#[test]
fn an_unknown_table_that_only_variables_set_is_their_error() {
    let variables = environment(&[("LOCAL_EXPORTER__BRIDGE__SELECTOR__A", "/run/a")]);
    let found = load(Some(&file()), &variables).unwrap_err();
    let expected = "environment LOCAL_EXPORTER__BRIDGE__SELECTOR__A: bridge.selector: \
                    unknown key `selector` (did you mean `selectors`?), expected one of ";
    assert!(found.to_string().starts_with(expected), "{found}");
}

#[test]
fn no_error_is_located_in_the_embedded_default() {
    for (name, key) in [("SERVICE__PORT__X", "service.port"), ("BRIDGE", "bridge")] {
        let name = format!("LOCAL_EXPORTER__{name}");
        let found = load(None, &environment(&[(&name, "1")])).unwrap_err();
        let expected = format!("environment {name}: {key}: ");
        assert!(found.to_string().starts_with(&expected), "{found}");
    }
}

#[test]
fn an_error_is_one_line_whatever_the_name_contains() {
    let variables = environment(&[("LOCAL_EXPORTER__A\nB", "1")]);
    let file = Input {
        name: "it".into(),
        text: "\"a\\nb\" = 1\n".into(),
    };
    let found = load(Some(&file), &variables).unwrap_err().to_string();
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(lines.len(), 2, "{found}");
    assert!(
        lines[0].starts_with("it:1:1: \"a\\nb\": unknown key `a\\nb`, "),
        "{found}"
    );
    assert!(
        lines[1].starts_with("environment LOCAL_EXPORTER__A\\nB: "),
        "{found}"
    );
}

#[test]
fn variables_that_match_no_key_or_contradict_each_other_are_errors() {
    let variables = environment(&[
        ("LOCAL_EXPORTER__BRIDGE__SELECTORS__A", "/run/a"),
        ("LOCAL_EXPORTER__BRIDGE__SELECTORS__A__KIND", "uds"),
        ("LOCAL_EXPORTER__BRIDGE__SELECTORS__B[0]", "/run/b"),
        ("LOCAL_EXPORTER__BRIDGE__SELECTORS__C.D", "/run/c"),
        ("LOCAL_EXPORTER__SERVICE__", "1"),
        ("local_exporter__service__port", "9600"),
        ("LOCAL_EXPORTER__SERVICE__PORT", "9601"),
        ("LOCAL_EXPORTER_SERVICE_PORT", "9602"),
        ("LOCAL_EXPORTER_OTHER__PORT", "has another prefix"),
    ]);
    let found = load(None, &variables).unwrap_err().to_string();
    let name = "a name that matches no key, expected keys of letters, digits, `_` and `-`, \
                joined by two underscores";
    for expected in [
        "SELECTORS__A: a value, while LOCAL_EXPORTER__BRIDGE__SELECTORS__A__KIND sets a key below it",
        &format!("environment LOCAL_EXPORTER__BRIDGE__SELECTORS__B[0]: {name}"),
        &format!("environment LOCAL_EXPORTER__BRIDGE__SELECTORS__C.D: {name}"),
        &format!("environment LOCAL_EXPORTER__SERVICE__: {name}"),
        "environment local_exporter__service__port: the same key as LOCAL_EXPORTER__SERVICE__PORT",
        "environment LOCAL_EXPORTER_SERVICE_PORT: a single underscore between keys, \
         expected two of them, as in LOCAL_EXPORTER__SERVICE__PORT",
    ] {
        assert!(found.contains(expected), "{expected} is not in\n{found}");
    }
    assert!(!found.contains("OTHER"), "{found}");
}

#[test]
fn variables_that_kubernetes_sets_for_a_service_are_no_errors() {
    let variables = environment(&[
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("LOCAL_EXPORTER_SERVICE_HOST", "10.0.0.2"),
        ("LOCAL_EXPORTER_SERVICE_PORT", "9598"),
        ("LOCAL_EXPORTER_PORT_9598_TCP", "tcp://10.0.0.2:9598"),
    ]);
    assert!(load(None, &variables).is_ok());
}

#[test]
fn a_single_underscore_between_table_and_key_is_explained() {
    let variables = environment(&[("LOCAL_EXPORTER__SERVICE_PORT", "9600")]);
    let found = load(None, &variables).unwrap_err().to_string();
    let expected = "keys are separated by two underscores: LOCAL_EXPORTER__SERVICE__PORT";
    assert!(found.contains(expected), "{found}");
}

#[test]
fn selectors_of_the_environment_are_sorted_by_name() {
    let names = ["D", "B", "A", "C"];
    let variables = names.map(|name| {
        let variable = format!("LOCAL_EXPORTER__BRIDGE__SELECTORS__{name}");
        (variable, "/run/x".to_owned())
    });
    let settings = load(None, &variables.into_iter().collect()).unwrap();
    let names: Vec<_> = settings
        .selectors
        .iter()
        .map(|selector| &*selector.name)
        .collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
}
