//! The merged values as one TOML text: the configuration in force.
//!
//! The text may be displayed, since no key has a secret as its value. Credentials are in files
//! that are only named (`bearer_token_file`, `web_config_file`), and an `external_url` with a
//! password is refused without repeating it. A future key with a secret must be written here as
//! `<secret>`.

use config::{Map, Value, ValueKind};
use toml::Table;

/// The values as a text that loads as the same values.
pub(crate) fn text(entries: &Map<String, Value>) -> String {
    // Such a table can always be written: its keys are strings, and it has no null.
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
        // No setting accepts a number that large.
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
