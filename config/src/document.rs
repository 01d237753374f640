//! A parsed TOML text, with the position of every key and value.
//!
//! Each text is parsed once, with spans. The crate `config` merges the values and drops their
//! positions, which are looked up here. The meaning of values is not known here.

use crate::error::{ConfigError, Location};
use crate::error_list::ErrorList;
use crate::key_path::{KeyPath, Step};
use crate::layer::Layer;
use crate::line_index::LineIndex;
use std::collections::HashSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// The part of an entry that an error is about: an unknown key itself, or a wrong value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Key,
    Value,
}

/// The largest text in bytes of which all syntax errors are found. The parser keeps each of them, and a
/// text can have more errors than bytes; of a larger text only the first one is reported.
const LARGEST_WITH_ALL_ERRORS: usize = 256 * 1024;

/// A TOML text with the positions of its keys and values.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    name: &'t str,
    lines: LineIndex<'t>,
    root: DeTable<'t>,
}

impl<'t> Document<'t> {
    /// Parses a text. Its syntax errors are returned, not only the first.
    pub(crate) fn parse(name: &'t str, text: &'t str) -> Result<Self, Vec<ConfigError>> {
        let lines = LineIndex::new(text);
        let (root, errors) = match text.len() {
            0..=LARGEST_WITH_ALL_ERRORS => DeTable::parse_recoverable(text),
            _ => match DeTable::parse(text) {
                Ok(root) => (root, Vec::new()),
                Err(first) => (Spanned::new(0..0, DeTable::new()), vec![first]),
            },
        };
        if errors.is_empty() {
            let root = root.into_inner();
            return Ok(Self { name, lines, root });
        }
        let mut list = ErrorList::default();
        for error in errors {
            list.add(|| ConfigError {
                location: location(name, &lines, &error.span().unwrap_or(0..0)),
                key: String::new(),
                found: error.message().replace('\n', ", "),
                expected: String::new(),
            });
        }
        Err(list.into_errors())
    }

    /// The number of steps of `path` that exist.
    pub(crate) fn depth(&self, path: &KeyPath) -> usize {
        self.walk(path).count()
    }

    /// The location of `path`, or of the deepest table on the way to it that exists.
    pub(crate) fn locate(&self, path: &KeyPath, part: Part) -> Location {
        let mut span = 0..0;
        for (depth, (name, value)) in self.walk(path).enumerate() {
            let last = depth + 1 == path.steps().len();
            span = match (part, name) {
                (Part::Value, _) if last && !value.get_ref().is_table() => value.span(),
                (Part::Value | Part::Key, Some(name)) => name,
                (Part::Value | Part::Key, None) => value.span(),
            };
        }
        location(self.name, &self.lines, &span)
    }

    /// The entries on the way to `path` that exist: the span of each key, and each value.
    fn walk<'a>(
        &'a self,
        path: &'a KeyPath,
    ) -> impl Iterator<Item = (Option<Range<usize>>, &'a Spanned<DeValue<'t>>)> {
        let mut here = None;
        path.steps().iter().map_while(move |step| {
            let (name, value) = self.enter(here, step)?;
            here = Some(value.get_ref());
            Some((name, value))
        })
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

    /// The name of the text in messages.
    pub(crate) fn name(&self) -> &str {
        self.name
    }

    /// Removes the entries of a table whose keys are in `names`, and adds the keys of the others to it.
    /// Returns the keys that were removed.
    pub(crate) fn keep_new(&mut self, path: &[&str], names: &mut HashSet<String>) -> Vec<String> {
        let mut table = &mut self.root;
        for key in path {
            match table.get_mut(*key).map(Spanned::get_mut) {
                Some(DeValue::Table(below)) => table = below,
                _ => return Vec::new(),
            }
        }
        let known = |key: &&Spanned<DeString<'_>>| !names.insert(key.get_ref().to_string());
        let known: Vec<_> = table.keys().filter(known).cloned().collect();
        for key in &known {
            table.remove(key);
        }
        known.iter().map(|key| key.get_ref().to_string()).collect()
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
        let mut errors = ErrorList::default();
        for depth in 0..path.len() {
            let (above, below) = path.split_at(depth);
            for (key, value) in descend(&self.root, above).into_iter().flatten() {
                let on_the_path = below.first() == Some(&&**key.get_ref());
                if on_the_path && value.get_ref().is_table() {
                    continue;
                }
                errors.add(|| {
                    let path = KeyPath::of(above).key(key.get_ref());
                    ConfigError {
                        location: location(self.name, &self.lines, &key.span()),
                        found: format!("`{path}` in a drop-in"),
                        key: path.to_string(),
                        expected: expected.to_owned(),
                    }
                });
            }
        }
        errors.into_errors()
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

/// The location of the start of a span.
fn location(name: &str, lines: &LineIndex<'_>, span: &Range<usize>) -> Location {
    let (line, column) = lines.position(span.start);
    Location::Text {
        file: name.to_owned(),
        line,
        column,
    }
}
