//! Typed reading of one table that collects errors instead of stopping at the first.
//!
//! Serde stops at the first error of a document; users need all of them. A [`Table`] is asked
//! for each key, reports what is wrong, and at the end reports every key that was not asked
//! for. The meaning of keys is not known here.

use crate::document::Part;
use crate::key_path::{KeyPath, Step};
use crate::report::Report;
use crate::similar::similar;
use crate::value::{FromValue, describe};
use config::{Map, Value, ValueKind};

/// A table being read.
#[derive(Debug)]
pub(crate) struct Table<'r, 't> {
    report: &'r Report<'t>,
    path: KeyPath,
    entries: Map<String, Value>,
    /// The keys asked for so far, which the error about an unknown key lists.
    known: Vec<&'static str>,
}

impl<'r, 't> Table<'r, 't> {
    pub(crate) fn root(report: &'r Report<'t>, entries: Map<String, Value>) -> Self {
        Self {
            report,
            path: KeyPath::default(),
            entries,
            known: Vec::new(),
        }
    }

    /// The value of `key`, if it is present and valid; an invalid one is reported.
    pub(crate) fn take<T: FromValue>(&mut self, key: &'static str) -> Option<T> {
        self.known.push(key);
        let value = self.entries.shift_remove(key)?;
        let path = self.path.key(key);
        match T::from_value(&value) {
            Ok(read) => Some(read),
            Err(found) => {
                self.reject(&path, Some(&value), found, &T::expected(&value));
                None
            }
        }
    }

    /// The value of `key`; a missing one is reported as well.
    pub(crate) fn require<T: FromValue>(&mut self, key: &'static str) -> Option<T> {
        if !self.entries.contains_key(key) {
            self.known.push(key);
            let path = self.path.key(key);
            self.reject(&path, None, "missing".into(), T::EXPECTED);
            return None;
        }
        self.take(key)
    }

    /// The elements of `key`: one value or an array of them. A missing key is reported.
    pub(crate) fn require_list<T: FromValue>(&mut self, key: &'static str) -> Option<Vec<T>> {
        if !self.entries.contains_key(key) {
            return self.require(key).map(|one| vec![one]);
        }
        self.take_list(key)
    }

    /// The elements of `key`, if it is present.
    pub(crate) fn take_list<T: FromValue>(&mut self, key: &'static str) -> Option<Vec<T>> {
        let Some(ValueKind::Array(_)) = self.entries.get(key).map(|value| &value.kind) else {
            return self.take(key).map(|one| vec![one]);
        };
        self.known.push(key);
        let value = self.entries.shift_remove(key)?;
        let path = self.path.key(key);
        let ValueKind::Array(elements) = &value.kind else {
            return None;
        };
        if elements.is_empty() {
            self.reject(&path, Some(&value), "an empty array".into(), T::EXPECTED);
            return None;
        }
        let mut all = Some(Vec::with_capacity(elements.len()));
        for (index, element) in elements.iter().enumerate() {
            match T::from_value(element) {
                Ok(read) => {
                    if let Some(all) = &mut all {
                        all.push(read);
                    }
                }
                Err(found) => {
                    let expected = T::expected(element);
                    self.reject(&path.index(index), Some(element), found, &expected);
                    all = None;
                }
            }
        }
        all
    }

    /// The table under `key`, empty if it is missing.
    pub(crate) fn table(&mut self, key: &'static str) -> Self {
        self.known.push(key);
        let value = self.entries.shift_remove(key);
        let path = self.path.key(key);
        let entries = match value {
            Some(Value {
                kind: ValueKind::Table(entries),
                ..
            }) => entries,
            Some(other) => {
                self.reject(&path, Some(&other), describe(&other), "a table");
                Map::new()
            }
            None => Map::new(),
        };
        self.nested(path, entries)
    }

    /// The entries of a table whose keys are names chosen by the user, in the order of the text.
    pub(crate) fn into_named(mut self) -> Vec<(String, Named<'r, 't>)> {
        let entries = std::mem::take(&mut self.entries);
        let named = |(name, value): (String, Value)| {
            let path = self.path.key(&name);
            let named = match value.kind {
                ValueKind::Table(entries) => Named::Table(self.nested(path, entries)),
                _ => Named::Single(Single {
                    report: self.report,
                    path,
                    value,
                }),
            };
            (name, named)
        };
        entries.into_iter().map(named).collect()
    }

    /// Ignores keys whose meaning is not known.
    pub(crate) fn ignore(&mut self, keys: &[&'static str]) {
        for key in keys {
            self.known.push(key);
            self.entries.shift_remove(*key);
        }
    }

    /// Returns whether a key is present, valid or not.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Reports a key whose value is valid on its own.
    pub(crate) fn reject_valid(&self, key: &str, found: String, expected: &str) {
        self.reject(&self.path.key(key), None, found, expected);
    }

    /// Ends the reading: every key that was not asked for is reported.
    pub(crate) fn finish(self) {
        self.finish_with(|_| None);
    }

    /// [`Table::finish`], with an explanation of some unknown keys.
    pub(crate) fn finish_with(self, explain: impl Fn(&str) -> Option<String>) {
        if self.entries.is_empty() {
            return;
        }
        let known = self.known.join("`, `");
        for (key, value) in &self.entries {
            let path = self.path.key(key);
            let meant = similar(key, self.known.iter().copied());
            let meant = meant.map(|meant| format!("did you mean `{meant}`?"));
            let hint = explain(key).or(meant);
            let hint = hint.map_or_else(String::new, |hint| format!(" ({hint})"));
            let found = format!("unknown key `{}`{hint}", key.escape_debug());
            let expected = format!("one of `{known}`");
            self.report
                .add(&path, Some(value), Part::Key, found, expected);
        }
    }

    /// The first entry that is itself a table with this key.
    pub(crate) fn table_with(&self, key: &str) -> Option<String> {
        let has_key = |(_, value): &(&String, &Value)| match &value.kind {
            ValueKind::Table(entries) => entries.contains_key(key),
            _ => false,
        };
        let found = self.entries.iter().find(has_key);
        found.map(|(name, _)| name.clone())
    }

    /// The name of the table itself: the last key of its path.
    pub(crate) fn name(&self) -> &str {
        match self.path.steps().last() {
            Some(Step::Key(name)) => name,
            Some(Step::Index(_)) | None => "",
        }
    }

    fn nested(&self, path: KeyPath, entries: Map<String, Value>) -> Self {
        Self {
            report: self.report,
            path,
            entries,
            known: Vec::new(),
        }
    }

    fn reject(&self, path: &KeyPath, value: Option<&Value>, found: String, expected: &str) {
        let expected = expected.to_owned();
        self.report.add(path, value, Part::Value, found, expected);
    }
}

/// The value under a name chosen by the user.
#[derive(Debug)]
pub(crate) enum Named<'r, 't> {
    Table(Table<'r, 't>),
    Single(Single<'r, 't>),
}

impl Named<'_, '_> {
    /// Reports the name itself.
    pub(crate) fn reject(&self, found: String, expected: &str) {
        let (report, path) = match self {
            Self::Table(table) => (table.report, &table.path),
            Self::Single(single) => (single.report, &single.path),
        };
        report.add(path, None, Part::Key, found, expected.to_owned());
    }
}

/// A value that is not a table, under a name chosen by the user.
#[derive(Debug)]
pub(crate) struct Single<'r, 't> {
    report: &'r Report<'t>,
    path: KeyPath,
    value: Value,
}

impl Single<'_, '_> {
    /// The value, if it is valid; an invalid one is reported.
    pub(crate) fn read<T: FromValue>(&self) -> Option<T> {
        let value = Some(&self.value);
        let reject = |found| {
            let expected = T::expected(&self.value);
            self.report
                .add(&self.path, value, Part::Value, found, expected);
        };
        T::from_value(&self.value).map_err(reject).ok()
    }
}
