//! The merged values as one TOML text: the configuration in force.
//!
//! The text may be displayed, since no key has a secret as its value. Credentials are in files
//! that are only named (`bearer_token_file`, `web_config_file`), and an `external_url` with a
//! password is refused without repeating it. A future key with a secret must be written here as
//! `<secret>`.

use crate::ordered_table::OrderedTable;
use config::{Map, Value, ValueKind};

/// The values as a text that loads as the same values.
pub(crate) fn text(entries: &Map<String, Value>) -> String {
    table(entries).into_text()
}

fn table(entries: &Map<String, Value>) -> OrderedTable {
    let mut written = OrderedTable::default();
    for (key, value) in entries {
        match &value.kind {
            ValueKind::Table(below) => written.push_table(key.clone(), table(below)),
            other => {
                if let Some(value) = converted(other) {
                    written.push(key.clone(), value);
                }
            }
        }
    }
    written
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
        // A table in an array, which no setting accepts.
        ValueKind::Table(entries) => {
            let entries = entries.iter();
            let written =
                entries.filter_map(|(key, value)| Some((key.clone(), converted(&value.kind)?)));
            toml::Value::Table(written.collect())
        }
        ValueKind::Array(values) => {
            let values = values.iter().filter_map(|value| converted(&value.kind));
            toml::Value::Array(values.collect())
        }
    })
}
