//! The merged values as one TOML text: what is in force, whatever it came from.
//!
//! All of it may be shown: no key takes a secret. Credentials stand in files of
//! their own, which are only named (`bearer_token_file`, `web_config_file`), and
//! an `external_url` with a password in it is refused without being repeated.
//! A key that does take a secret one day is written here as `<secret>`.

use config::{Map, Value, ValueKind};
use toml::Table;

/// The values as a text that says the same when it is read.
pub(crate) fn text(entries: &Map<String, Value>) -> String {
    // Nothing in such a table cannot be written: keys are strings, and there is no null.
    toml::to_string(&table(entries)).unwrap_or_default()
}

fn table(entries: &Map<String, Value>) -> Table {
    let written = entries
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), converted(&value.kind)?)));
    written.collect()
}

fn converted(value: &ValueKind) -> Option<toml::Value> {
    Some(match value {
        ValueKind::Nil => return None,
        ValueKind::Boolean(value) => toml::Value::Boolean(*value),
        ValueKind::I64(number) => toml::Value::Integer(*number),
        // No setting is a number so large.
        ValueKind::U64(number) => toml::Value::Integer(i64::try_from(*number).ok()?),
        ValueKind::I128(number) => toml::Value::Integer(i64::try_from(*number).ok()?),
        ValueKind::U128(number) => toml::Value::Integer(i64::try_from(*number).ok()?),
        ValueKind::Float(number) => toml::Value::Float(*number),
        ValueKind::String(text) => toml::Value::String(text.clone()),
        ValueKind::Table(entries) => toml::Value::Table(table(entries)),
        ValueKind::Array(values) => {
            let values = values.iter().filter_map(|value| converted(&value.kind));
            toml::Value::Array(values.collect())
        }
    })
}
