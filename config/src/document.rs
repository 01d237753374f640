//! Where in a TOML text a key or a value stands.
//!
//! Each text is parsed once, with spans: the crate `config` merges the values,
//! and forgets their positions; for those the text is asked again. Nothing here
//! looks at what a value means.

use crate::error::{ConfigError, Location};
use config::{Map, Source, Value, ValueKind};
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One step of a path into a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A key of a table.
    Key(String),
    /// An element of an array, from 0.
    Index(usize),
}

/// The way from the root to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyPath(Vec<Step>);

impl KeyPath {
    pub(crate) fn key(&self, name: &str) -> Self {
        self.step(Step::Key(name.to_owned()))
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    pub(crate) fn depth(&self) -> usize {
        self.0.len()
    }

    fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The keys joined by dots; an index follows its array in brackets.
    fn join(&self) -> String {
        let mut text = String::new();
        for step in &self.0 {
            match step {
                Step::Key(key) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    // As TOML would want it written, so that a name with a dot is no riddle.
                    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                    if !key.is_empty() && key.chars().all(bare) {
                        text.push_str(key);
                    } else {
                        text.push_str(&format!("{key:?}"));
                    }
                }
                Step::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }

    /// The keys of the path, as an environment variable would name them.
    pub(crate) fn keys(&self) -> Vec<String> {
        let key = |step: &Step| match step {
            Step::Key(key) => Some(key.to_lowercase()),
            Step::Index(_) => None,
        };
        self.0.iter().filter_map(key).collect()
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.join())
    }
}

/// What of a key is meant: an unknown key is at fault itself, a wrong value is not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Key,
    Value,
}

/// A TOML text with the position of all that is in it.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    name: &'t str,
    text: &'t str,
    root: DeTable<'t>,
}

impl<'t> Document<'t> {
    /// Parses a text; every syntax error is reported, not only the first.
    pub(crate) fn parse(name: &'t str, text: &'t str) -> Result<Self, Vec<ConfigError>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            let root = root.into_inner();
            return Ok(Self { name, text, root });
        }
        let error = |error: &toml::de::Error| ConfigError {
            location: location(name, text, &error.span().unwrap_or(0..0)),
            key: String::new(),
            found: error.message().replace('\n', ", "),
            expected: String::new(),
        };
        Err(errors.iter().map(error).collect())
    }

    /// Where `path` stands in this text, or the nearest thing around it, with
    /// how many steps of the path were found.
    pub(crate) fn find(&self, path: &KeyPath, part: Part) -> (usize, Location) {
        let mut here = None;
        let mut span = 0..0;
        let mut depth = 0;
        for step in &path.0 {
            let last = depth + 1 == path.0.len();
            let Some((name, value)) = self.enter(here, step) else {
                break;
            };
            span = match (part, name) {
                (Part::Value, _) if last && !value.get_ref().is_table() => value.span(),
                (Part::Value | Part::Key, Some(name)) => name,
                (Part::Value | Part::Key, None) => value.span(),
            };
            here = Some(value.get_ref());
            depth += 1;
        }
        (depth, location(self.name, self.text, &span))
    }

    /// One step down from `here` (the root where there is none): the key's span and the value.
    fn enter<'a>(
        &'a self,
        here: Option<&'a DeValue<'t>>,
        step: &Step,
    ) -> Option<(Option<Range<usize>>, &'a Spanned<DeValue<'t>>)> {
        match step {
            Step::Key(key) => {
                let table = match here {
                    Some(value) => value.as_table()?,
                    None => &self.root,
                };
                let (name, value) = table.get_key_value(key.as_str())?;
                Some((Some(name.span()), value))
            }
            Step::Index(index) => Some((None, here?.as_array()?.get(*index)?)),
        }
    }
}

impl Document<'_> {
    /// Whether a key is in this text.
    pub(crate) fn holds(&self, path: &[&str]) -> bool {
        let (last, above) = match path.split_last() {
            Some(split) => split,
            None => return true,
        };
        descend(&self.root, above).is_some_and(|table| table.contains_key(*last))
    }

    /// The keys of a table of this text.
    pub(crate) fn keys(&self, path: &[&str]) -> Vec<String> {
        let table = descend(&self.root, path);
        let keys = table.into_iter().flat_map(|table| table.keys());
        keys.map(|key| key.get_ref().to_string()).collect()
    }

    /// Takes a key away, since a later layer says anew what it said.
    pub(crate) fn forget(&mut self, path: &[&str]) {
        let Some((last, above)) = path.split_last() else {
            return;
        };
        let mut table = &mut self.root;
        for key in above {
            match table.get_mut(*key).map(Spanned::get_mut) {
                Some(DeValue::Table(below)) => table = below,
                _ => return,
            }
        }
        table.remove(*last);
    }

    /// What stands in this text outside of one table.
    pub(crate) fn outside_of(&self, path: &[&str], expected: &str) -> Vec<ConfigError> {
        let mut found = Vec::new();
        for depth in 0..path.len() {
            let (above, here) = path.split_at(depth);
            for (key, value) in descend(&self.root, above).into_iter().flatten() {
                let on_the_way = here.first() == Some(&&**key.get_ref());
                if on_the_way && value.get_ref().is_table() {
                    continue;
                }
                let path = above
                    .iter()
                    .fold(KeyPath::default(), |path, key| path.key(key));
                let path = path.key(key.get_ref());
                found.push(ConfigError {
                    location: location(self.name, self.text, &key.span()),
                    found: format!("`{path}` in a drop-in"),
                    key: path.to_string(),
                    expected: expected.to_owned(),
                });
            }
        }
        found
    }

    /// The text's values as a layer. Built from this parse, since the crate
    /// `config` gives up on a number that its own parser cannot hold, and with
    /// it on all other errors.
    pub(crate) fn layer(&self) -> Layer {
        Layer(entries(&self.root))
    }
}

/// The table at the end of a path.
fn descend<'a, 't>(root: &'a DeTable<'t>, path: &[&str]) -> Option<&'a DeTable<'t>> {
    path.iter().try_fold(root, |table, key| {
        table.get(*key).and_then(|value| value.get_ref().as_table())
    })
}

/// One value as TOML writes it, if it is one.
pub(crate) fn value(text: &str) -> Option<Value> {
    let value = DeValue::parse(text).ok()?;
    Some(converted(value.get_ref()))
}

/// One layer of the configuration, for the crate `config` to merge.
#[derive(Clone, Debug)]
pub(crate) struct Layer(Map<String, Value>);

impl Layer {
    pub(crate) fn new(entries: Map<String, Value>) -> Self {
        Self(entries)
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

fn entries(table: &DeTable<'_>) -> Map<String, Value> {
    // The parser sorts by name; users are shown the order they wrote.
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
            let digits = (integer.as_str(), integer.radix());
            let narrow = i64::from_str_radix(digits.0, digits.1).map(ValueKind::I64);
            let wide = i128::from_str_radix(digits.0, digits.1).map(ValueKind::I128);
            // No setting is a number so large: whatever stands for it is refused, with its place.
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

/// Line and column, from 1, of the start of a span; the column counts characters.
fn location(name: &str, text: &str, span: &Range<usize>) -> Location {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Location::Text {
        file: name.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or("").chars().count() + 1,
    }
}
