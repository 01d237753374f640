//! One layer of values, in the form in which the crate `config` merges them.

use config::{Map, Source, Value, ValueKind};
use toml::de::{DeTable, DeValue};

/// One layer of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Layer(Map<String, Value>);

impl Layer {
    pub(crate) fn new(entries: Map<String, Value>) -> Self {
        Self(entries)
    }

    /// The values of a parsed text. The crate `config` could parse it, but it rejects the whole
    /// text for one number that its own parser cannot hold, which would hide all other errors.
    pub(crate) fn of_table(table: &DeTable<'_>) -> Self {
        Self(entries(table))
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

/// Parses a single value of TOML; `None` if the text is not one.
pub(crate) fn parse_value(text: &str) -> Option<Value> {
    let value = DeValue::parse(text).ok()?;
    Some(converted(value.get_ref()))
}

fn entries(table: &DeTable<'_>) -> Map<String, Value> {
    // The parser sorts by name; the order of the text is what users see.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
        .into_iter()
        .map(|(name, value)| (name.get_ref().to_string(), converted(value.get_ref())))
        .collect()
}

fn converted(value: &DeValue<'_>) -> Value {
    let kind = match value {
        DeValue::String(text) => ValueKind::String(text.to_string()),
        DeValue::Integer(integer) => {
            let (digits, radix) = (integer.as_str(), integer.radix());
            let narrow = i64::from_str_radix(digits, radix).map(ValueKind::I64);
            let wide = i128::from_str_radix(digits, radix).map(ValueKind::I128);
            // No setting accepts a number that large, so infinity is rejected in its place.
            narrow.or(wide).unwrap_or(ValueKind::Float(f64::INFINITY))
        }
        DeValue::Float(float) => ValueKind::Float(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => ValueKind::Boolean(*value),
        DeValue::Datetime(time) => ValueKind::String(time.to_string()),
        DeValue::Array(values) => {
            let values = values.iter().map(|value| converted(value.get_ref()));
            ValueKind::Array(values.collect())
        }
        DeValue::Table(table) => ValueKind::Table(entries(table)),
    };
    Value::new(None, kind)
}
