//! The keys that the command line sets: the layer that takes precedence over all others.
//!
//! The flags are defined by the caller. Here are only keys, values, and the names of the flags
//! for error messages.

use crate::key_path::KeyPath;
use crate::layer::Layer;
use config::{Map, Value, ValueKind};

/// The origin of values from the command line.
pub(crate) const FLAG_ORIGIN: &str = "the command line";

/// The keys that the command line sets. No key may be set by two flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub Vec<Flag>);

/// One key that the command line sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The name of the flag, such as `--web.listen-address`.
    pub name: &'static str,
    /// The table and the key that it sets, such as `service` and `listen`.
    pub key: (&'static str, &'static str),
    /// The value, checked like one in a file.
    pub value: FlagValue,
}

/// The value of a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlagValue {
    /// The flag takes no value.
    Given,
    /// A number.
    Number(u32),
    /// A string.
    Text(String),
    /// One string or more.
    Texts(Vec<String>),
}

impl Flags {
    /// The flag that sets a key, or the array that an element belongs to.
    pub(crate) fn name(&self, path: &KeyPath) -> Option<&'static str> {
        let keys = path.keys();
        let sets = |flag: &&Flag| keys.iter().eq([flag.key.0, flag.key.1]);
        self.0.iter().find(sets).map(|flag| flag.name)
    }

    /// Returns whether a flag sets a key.
    pub(crate) fn holds(&self, path: &[&str]) -> bool {
        let mut flags = self.0.iter();
        flags.any(|flag| path == [flag.key.0, flag.key.1])
    }

    /// The values, for the crate `config` to merge.
    pub(crate) fn layer(&self) -> Layer {
        let mut tables = Map::<String, Value>::new();
        for flag in &self.0 {
            let (table, key) = flag.key;
            let table = tables.entry(table.to_owned());
            let table = table.or_insert_with(|| value(ValueKind::Table(Map::new())));
            if let ValueKind::Table(entries) = &mut table.kind {
                entries.insert(key.to_owned(), flag.value.as_value());
            }
        }
        Layer::new(tables)
    }
}

impl FlagValue {
    fn as_value(&self) -> Value {
        let text = |text: &String| value(ValueKind::String(text.clone()));
        match self {
            Self::Given => value(ValueKind::Boolean(true)),
            Self::Number(number) => value(ValueKind::I64((*number).into())),
            Self::Text(one) => text(one),
            Self::Texts(texts) => value(ValueKind::Array(texts.iter().map(text).collect())),
        }
    }
}

fn value(kind: ValueKind) -> Value {
    Value::new(Some(&FLAG_ORIGIN.to_owned()), kind)
}
