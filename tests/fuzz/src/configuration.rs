//! Loads any text and any environment as a configuration.
//!
//! Rules: no panic; loading twice has the same result; every error has a position that exists and is one line;
//! accepted settings are within their bounds.
//!
//! The text ends at the first NUL byte. One variable, such as `SERVICE__PORT=9600`, follows each NUL byte; the
//! prefix is added to its name.

use local_exporter_config::{
    Bus, ConfigError, DbusSource, ENVIRONMENT_PREFIX, Environment, Input, Limits, Location,
    Selector, Settings, Source, load,
};
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

const NAME: &str = "config.toml";
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Loads one text and its variables. Panics if a rule is broken.
pub fn run(input: &str) {
    let mut parts = input.split('\0');
    let text = parts.next().unwrap_or_default();
    let variable = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((format!("{ENVIRONMENT_PREFIX}__{name}"), value.to_owned()))
    };
    let environment: Environment = parts.filter_map(variable).collect();

    let found = load(Some(&file(text)), &environment);
    assert_eq!(found, load(Some(&file(text)), &environment), "loaded twice");
    match found {
        Ok(settings) => {
            within_bounds(&settings);
            let commented = file(&format!("{text}\n# a comment"));
            assert_eq!(load(Some(&commented), &environment), Ok(settings));
        }
        Err(errors) => {
            assert!(!errors.0.is_empty(), "refused without a word");
            for error in &errors.0 {
                can_be_found(error, text, &environment);
            }
            let lines = errors.to_string().lines().count();
            assert_eq!(lines, errors.0.len(), "{errors}");
        }
    }
}

fn file(text: &str) -> Input {
    Input {
        name: NAME.to_owned(),
        text: text.to_owned(),
    }
}

/// Checks that the position of an error exists.
fn can_be_found(error: &ConfigError, text: &str, environment: &Environment) {
    match &error.location {
        Location::Text { file, line, column } => {
            assert_eq!(file, NAME, "{error}");
            let there = text.split('\n').nth(line - 1);
            let length = there.map(|line| line.chars().count());
            assert!(
                length.is_some_and(|length| *column <= length + 1),
                "{error:?}"
            );
        }
        Location::Environment(name) => {
            let known = environment.contains_key(name) || !error.key.is_empty();
            assert!(known, "{error:?}");
        }
        Location::File(_) | Location::Flag(_) => panic!("an error without a location: {error:?}"),
    }
    assert!(
        !error.to_string().chars().any(char::is_control),
        "{error:?}"
    );
}

fn within_bounds(settings: &Settings) {
    let clients = settings.service.clients;
    for count in [clients.max_connections, clients.max_in_flight] {
        assert!((1..=65_536).contains(&count), "{clients:?}");
    }
    let mut names = HashSet::new();
    for selector in &settings.selectors {
        let Selector {
            name,
            source,
            limits,
            ..
        } = selector;
        assert!(
            !name.is_empty() && !name.chars().any(char::is_control),
            "{name:?}"
        );
        assert!(names.insert(name), "{name:?} occurs twice");
        limits_hold(limits, source);
        source_is_usable(source);
    }
}

fn limits_hold(limits: &Limits, source: &Source) {
    let durations = SHORTEST..=LONGEST;
    assert!(durations.contains(&limits.timeout));
    match source {
        Source::File(_) | Source::Directory(_) => assert!(durations.contains(&limits.refresh)),
        Source::Uds(_) | Source::Dbus(_) => assert!(limits.refresh.is_zero()),
    }
    assert!(limits.min_interval <= LONGEST);
    assert!((1..=1 << 30).contains(&limits.max_bytes), "{limits:?}");
    assert!((1..=65_536).contains(&limits.max_in_flight), "{limits:?}");
}

fn source_is_usable(source: &Source) {
    // No system call takes a NUL byte.
    let absolute =
        |path: &Path| path.is_absolute() && !path.as_os_str().as_encoded_bytes().contains(&0);
    let socket = |path: &Path| absolute(path) && path.as_os_str().len() <= 107;
    let usable = match source {
        Source::Uds(uds) => socket(&uds.path),
        Source::Directory(directory) => absolute(&directory.path) && socket(&directory.socket),
        Source::File(file) => {
            let options = &file.options;
            let name = |name: &String| !name.is_empty() && !name.contains('/');
            !file.paths.is_empty()
                && file.paths.iter().all(|path| absolute(path))
                && !options.patterns.is_empty()
                && options.patterns.iter().all(name)
                && options.keep_last_good <= LONGEST
                && options
                    .max_age
                    .is_none_or(|age| (SHORTEST..=LONGEST).contains(&age))
        }
        Source::Dbus(dbus) => {
            let DbusSource {
                bus,
                destination,
                path,
                interface,
                member,
                ..
            } = dbus;
            let address = match bus {
                Bus::System | Bus::Session => true,
                Bus::Address(address) => address.starts_with("unix:"),
            };
            address
                && [destination, interface]
                    .iter()
                    .all(|name| name.contains('.'))
                && path.starts_with('/')
                && !member.is_empty()
                && !member.contains('.')
        }
    };
    assert!(usable, "{source:?}");
}
