//! Environment variables as a layer.
//!
//! `LOCAL_EXPORTER__SERVICE__PORT` sets `service.port`. Names that stand for no key, and names
//! that contradict each other, are errors. Values are checked by the readers.

use crate::error::{ConfigError, Location};
use crate::key_path::KeyPath;
use crate::layer::parse_value;
use config::{Map, Source, Value, ValueKind};
use std::collections::{BTreeMap, HashMap};

/// The prefix of the names of variables. Two underscores follow it and separate the keys:
/// `LOCAL_EXPORTER__SERVICE__PORT=9600`.
pub const ENVIRONMENT_PREFIX: &str = "LOCAL_EXPORTER";

/// Kubernetes and Docker set variables such as `LOCAL_EXPORTER_SERVICE_PORT` for a service of the name
/// `local-exporter`. These variables show that they do.
const INJECTED: [&str; 2] = ["KUBERNETES_SERVICE_HOST", "LOCAL_EXPORTER_SERVICE_HOST"];

/// The origin that the crate `config` gives to values from the environment.
pub(crate) const ENVIRONMENT_ORIGIN: &str = "the environment";

/// Environment variables by name; those without the prefix are ignored. They are sorted
/// by name, since the environment itself has no order.
pub type Environment = BTreeMap<String, String>;

/// The variables with the prefix, by the lower-case path of the key they set.
#[derive(Debug)]
pub(crate) struct Variables {
    by_path: BTreeMap<Vec<String>, (String, String)>,
    errors: Vec<ConfigError>,
}

impl Variables {
    pub(crate) fn read(environment: &Environment) -> Self {
        let mut variables = Self {
            by_path: BTreeMap::new(),
            errors: Vec::new(),
        };
        let is_injected = INJECTED.iter().any(|name| environment.contains_key(*name));
        for (name, value) in environment {
            variables.add(name, value);
            if !is_injected && has_single_underscores(name) {
                let found = "a single underscore between keys".to_owned();
                let expected = "two of them, as in LOCAL_EXPORTER__SERVICE__PORT";
                variables.reject(name, found, expected);
            }
        }
        variables.find_contradictions();
        variables
    }

    fn add(&mut self, name: &str, value: &str) {
        let lower = name.to_lowercase();
        let prefix = ENVIRONMENT_PREFIX.to_lowercase();
        let Some(rest) = lower
            .strip_prefix(&prefix)
            .and_then(|rest| rest.strip_prefix("__"))
        else {
            return;
        };
        let path: Vec<String> = rest.split("__").map(str::to_owned).collect();
        let is_key = |key: &String| {
            let fits = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            !key.is_empty() && key.chars().all(fits)
        };
        if !path.iter().all(is_key) {
            let expected = "keys of letters, digits, `_` and `-`, joined by two underscores";
            return self.reject(name, "a name that matches no key".into(), expected);
        }
        let set = (name.to_owned(), value.to_owned());
        if let Some((other, _)) = self.by_path.insert(path, set) {
            self.reject(
                name,
                format!("the same key as {other}"),
                "one variable per key",
            );
        }
    }

    /// Reports a variable that sets a key which another variable uses as a table.
    fn find_contradictions(&mut self) {
        let mut found = Vec::new();
        let mut paths = self.by_path.iter().peekable();
        while let Some((path, (name, _))) = paths.next() {
            // In sorted order, the paths that begin with a path follow it directly.
            if let Some((below, (other, _))) = paths.peek()
                && below.starts_with(path)
            {
                found.push((
                    name.clone(),
                    format!("a value, while {other} sets a key below it"),
                ));
            }
        }
        for (name, found) in found {
            self.reject(&name, found, "one of the two");
        }
    }

    fn reject(&mut self, name: &str, found: String, expected: &str) {
        self.errors.push(ConfigError {
            location: Location::Environment(name.to_owned()),
            key: String::new(),
            found,
            expected: expected.to_owned(),
        });
    }

    pub(crate) fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// The first variable that sets a key or something below it.
    pub(crate) fn below(&self, path: &KeyPath) -> Option<&str> {
        let keys = path.keys();
        // In sorted order, a path comes directly before those that begin with it.
        let (below, (name, _)) = self.by_path.range(keys.clone()..).next()?;
        below.starts_with(&keys).then_some(name)
    }

    /// Returns whether a variable sets a key or something below it.
    pub(crate) fn holds(&self, path: &[&str]) -> bool {
        self.by_path.keys().any(|keys| begins(keys, path))
    }

    /// Removes all variables below entries of a table that `unwanted` names, and returns each with the
    /// key it would have set. `unwanted` also learns whether the variables define the entry, as a value
    /// or with a `kind`.
    pub(crate) fn take_entries(
        &mut self,
        table: &[&str],
        unwanted: impl Fn(&str, bool) -> bool,
    ) -> Vec<(String, String)> {
        let mut defined = HashMap::<String, bool>::new();
        for keys in self.by_path.keys().filter(|keys| begins(keys, table)) {
            let Some((name, rest)) = keys.get(table.len()..).and_then(<[_]>::split_first) else {
                continue;
            };
            let defines = rest.is_empty() || rest == ["kind"];
            *defined.entry(name.clone()).or_default() |= defines;
        }
        let mut taken = Vec::new();
        self.by_path.retain(|keys, (name, _)| {
            let entry = keys.get(table.len()).filter(|_| begins(keys, table));
            let known = entry.and_then(|entry| defined.get_key_value(entry));
            let take = known.is_some_and(|(entry, is_defined)| unwanted(entry, *is_defined));
            if take {
                taken.push((name.clone(), KeyPath::of(keys).to_string()));
            }
            !take
        });
        taken
    }

    /// Removes a key, because a flag replaces it.
    pub(crate) fn remove(&mut self, path: &[&str]) {
        self.by_path.retain(|keys, _| keys != path);
    }

    /// The name of the variable that sets a key, or of the one that would.
    pub(crate) fn name(&self, path: &KeyPath) -> String {
        let named = |name: &str| name.to_owned();
        let wanted = || {
            format!(
                "{ENVIRONMENT_PREFIX}__{}",
                path.keys().join("__").to_uppercase()
            )
        };
        self.below(path).map_or_else(wanted, named)
    }

    /// The values, for the crate `config` to merge.
    pub(crate) fn layer(&self) -> impl Source + Clone + Send + Sync + 'static {
        let pair = |(path, (_, value)): (&Vec<String>, &(String, String))| {
            let name = format!("{ENVIRONMENT_PREFIX}__{}", path.join("__"));
            (name, value.clone())
        };
        let plain = config::Environment::with_prefix(ENVIRONMENT_PREFIX)
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .source(Some(self.by_path.iter().map(pair).collect()));
        Quoting(plain)
    }
}

/// Returns whether a variable looks like one for a key, but has a single underscore after the prefix.
fn has_single_underscores(name: &str) -> bool {
    let rest = name.strip_prefix(ENVIRONMENT_PREFIX);
    rest.is_some_and(|rest| rest.starts_with("_SERVICE_") || rest.starts_with("_BRIDGE_"))
}

/// Returns whether a path begins with another or equals it.
fn begins(keys: &[String], path: &[&str]) -> bool {
    keys.get(..path.len()).is_some_and(|keys| keys == path)
}

/// Variables whose values may be arrays and quoted strings of TOML: for lists, and for strings
/// that would otherwise be read as a number or a boolean.
#[derive(Clone, Debug)]
struct Quoting(config::Environment);

impl Source for Quoting {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let mut entries = self.0.collect()?;
        for value in entries.values_mut() {
            if let ValueKind::String(text) = &value.kind
                && text.starts_with(['[', '"', '\''])
                && let Some(read) = parse_value(text)
            {
                *value = from_environment(read);
            }
        }
        Ok(entries)
    }
}

/// A value and its elements with the origin that the crate `config` gives to variables.
fn from_environment(value: Value) -> Value {
    let kind = match value.kind {
        ValueKind::Array(elements) => {
            ValueKind::Array(elements.into_iter().map(from_environment).collect())
        }
        other => other,
    };
    Value::new(Some(&ENVIRONMENT_ORIGIN.to_owned()), kind)
}
