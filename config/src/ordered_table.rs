//! A table of TOML that keeps the order of its keys.
//!
//! The tables of the crate `toml` are sorted by key: in its ordered form, removing an entry takes time
//! proportional to the size of the table, and its parser removes entries.

use serde::ser::{Serialize, SerializeMap, Serializer};
use toml::Value;

/// A table under construction; the keys differ.
#[derive(Debug, Default)]
pub(crate) struct OrderedTable(Vec<(String, Item)>);

#[derive(Debug)]
enum Item {
    Value(Value),
    Table(OrderedTable),
}

impl OrderedTable {
    pub(crate) fn push(&mut self, key: String, value: Value) {
        self.0.push((key, Item::Value(value)));
    }

    pub(crate) fn push_table(&mut self, key: String, table: Self) {
        self.0.push((key, Item::Table(table)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The table as a document.
    pub(crate) fn into_text(self) -> String {
        // Such a table can always be written: its keys are strings, and it has no null.
        toml::to_string(&self).unwrap_or_default()
    }
}

/// TOML requires the values of a table before the tables in it.
impl Serialize for OrderedTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, item) in &self.0 {
            if let Item::Value(value) = item {
                map.serialize_entry(key, value)?;
            }
        }
        for (key, item) in &self.0 {
            if let Item::Table(table) = item {
                map.serialize_entry(key, table)?;
            }
        }
        map.end()
    }
}
