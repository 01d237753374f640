//! Writes settings as TOML, in the form in which the readers accept them.
//!
//! The counterpart of `table` and `value`. What a key means is not known here.

use crate::ordered_table::OrderedTable;
use ipnet::IpNet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Value;

/// A setting that can be written.
pub(crate) trait ToValue {
    /// The value from which the reader makes the same setting.
    fn to_value(&self) -> Value;
}

/// A table under construction.
#[derive(Debug, Default)]
pub(crate) struct TableWriter(OrderedTable);

impl TableWriter {
    pub(crate) fn put(&mut self, key: &str, value: &(impl ToValue + ?Sized)) {
        self.0.push(key.to_owned(), value.to_value());
    }

    /// Writes a value that may be absent.
    pub(crate) fn put_some<T: ToValue>(&mut self, key: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Writes an array; nothing if there is no element, since readers refuse an empty array.
    pub(crate) fn put_list<T: ToValue>(&mut self, key: &str, values: &[T]) {
        if !values.is_empty() {
            let values = values.iter().map(T::to_value).collect();
            self.0.push(key.to_owned(), Value::Array(values));
        }
    }

    /// Writes a table; nothing if it is empty.
    pub(crate) fn put_table(&mut self, key: &str, table: Self) {
        if !table.0.is_empty() {
            self.0.push_table(key.to_owned(), table.0);
        }
    }

    /// The finished table as a document.
    pub(crate) fn into_text(self) -> String {
        self.0.into_text()
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value {
        Value::String(self.to_owned())
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        self.as_str().to_value()
    }
}

impl ToValue for Path {
    fn to_value(&self) -> Value {
        // Paths come from TOML, so they are UTF-8.
        self.to_string_lossy().into_owned().to_value()
    }
}

impl ToValue for PathBuf {
    fn to_value(&self) -> Value {
        self.as_path().to_value()
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl ToValue for u32 {
    fn to_value(&self) -> Value {
        Value::Integer((*self).into())
    }
}

impl ToValue for usize {
    fn to_value(&self) -> Value {
        // No setting exceeds 1 GiB.
        Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl ToValue for Duration {
    fn to_value(&self) -> Value {
        humantime::format_duration(*self).to_string().to_value()
    }
}

impl ToValue for IpNet {
    fn to_value(&self) -> Value {
        Value::String(self.to_string())
    }
}
