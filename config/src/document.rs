//! A parsed TOML text, with the position of every key and value.
//!
//! Each text is parsed once, with spans. The crate `config` merges the values and drops their
//! positions, which are looked up here. The meaning of values is not known here.

use crate::error::{ConfigError, Location};
use crate::key_path::{KeyPath, Step};
use crate::layer::Layer;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The part of an entry that an error is about: an unknown key itself, or a wrong value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Key,
    Value,
}

/// A TOML text with the positions of its keys and values.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    name: &'t str,
    text: &'t str,
    root: DeTable<'t>,
}

impl<'t> Document<'t> {
    /// Parses a text. All its syntax errors are returned, not only the first.
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

    /// The location of `path`, or of the deepest table on the way to it that exists, and the
    /// number of steps that exist.
    pub(crate) fn find(&self, path: &KeyPath, part: Part) -> (usize, Location) {
        let mut here = None;
        let mut span = 0..0;
        let mut depth = 0;
        for step in path.steps() {
            let last = depth + 1 == path.steps().len();
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

    /// One step down from `here` or, without it, from the root: the span of the key and the value.
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
    /// Returns whether the text has a key.
    pub(crate) fn holds(&self, path: &[&str]) -> bool {
        let (last, above) = match path.split_last() {
            Some(split) => split,
            None => return true,
        };
        descend(&self.root, above).is_some_and(|table| table.contains_key(*last))
    }

    /// The keys of a table of the text.
    pub(crate) fn keys(&self, path: &[&str]) -> Vec<String> {
        let table = descend(&self.root, path);
        let keys = table.into_iter().flat_map(|table| table.keys());
        keys.map(|key| key.get_ref().to_string()).collect()
    }

    /// Removes a key, because a later layer replaces it.
    pub(crate) fn remove(&mut self, path: &[&str]) {
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

    /// One error for each key of the text that is outside of a table.
    pub(crate) fn outside_of(&self, path: &[&str], expected: &str) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        for depth in 0..path.len() {
            let (above, below) = path.split_at(depth);
            for (key, value) in descend(&self.root, above).into_iter().flatten() {
                let on_the_path = below.first() == Some(&&**key.get_ref());
                if on_the_path && value.get_ref().is_table() {
                    continue;
                }
                let path = KeyPath::of(above).key(key.get_ref());
                errors.push(ConfigError {
                    location: location(self.name, self.text, &key.span()),
                    found: format!("`{path}` in a drop-in"),
                    key: path.to_string(),
                    expected: expected.to_owned(),
                });
            }
        }
        errors
    }

    /// The values as a layer.
    pub(crate) fn layer(&self) -> Layer {
        Layer::of_table(&self.root)
    }
}

/// The table at the end of a path.
fn descend<'a, 't>(root: &'a DeTable<'t>, path: &[&str]) -> Option<&'a DeTable<'t>> {
    path.iter().try_fold(root, |table, key| {
        table.get(*key).and_then(|value| value.get_ref().as_table())
    })
}

/// Line and column, from 1, of the start of a span. The column counts characters.
fn location(name: &str, text: &str, span: &Range<usize>) -> Location {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Location::Text {
        file: name.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or("").chars().count() + 1,
    }
}
