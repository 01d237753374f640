//! Typed reading of one table that collects errors instead of stopping.
//!
//! Serde stops at the first error of a document; an operator wants all of
//! them. A [`Table`] is asked key by key, notes what is wrong, and at the end
//! calls every key nobody asked for an error. It may not know what the keys
//! mean.

use crate::document::{Document, KeyPath, Part};
use crate::error::{ConfigError, ExternalError, Location};
use crate::flags::{FLAG_ORIGIN, Flags};
use crate::value::{FromValue, describe};
use crate::variables::{ENVIRONMENT_ORIGIN, Variables};
use config::{Map, Value, ValueKind};
use std::cell::RefCell;

/// The documents a configuration came from, and the errors found in it so far.
#[derive(Debug)]
pub(crate) struct Report<'t> {
    /// Those that somebody wrote, in layering order: a later one wins.
    documents: Vec<Document<'t>>,
    variables: Variables,
    flags: Flags,
    errors: RefCell<Vec<ConfigError>>,
}

impl<'t> Report<'t> {
    pub(crate) fn new(documents: Vec<Document<'t>>, variables: Variables, flags: Flags) -> Self {
        Self {
            documents,
            flags,
            errors: RefCell::new(variables.errors().to_vec()),
            variables,
        }
    }

    pub(crate) fn into_errors(self) -> Vec<ConfigError> {
        self.errors.into_inner()
    }

    /// An error where a key stands that is right by itself; about one that is not, all is said.
    pub(crate) fn add_external(&self, ExternalError { key, found }: ExternalError) {
        let path = key
            .iter()
            .fold(KeyPath::default(), |path, key| path.key(key));
        let name = path.to_string();
        if self.errors.borrow().iter().any(|said| said.key == name) {
            return;
        }
        self.add(
            self.location(&path, None, Part::Value),
            &path,
            found,
            String::new(),
        );
    }

    fn add(&self, location: Location, path: &KeyPath, found: String, expected: String) {
        self.errors.borrow_mut().push(ConfigError {
            location,
            key: path.to_string(),
            found,
            expected,
        });
    }

    /// The last document that reaches deepest is the one to blame; one that
    /// does not even hold the table around the key has nothing to do with it.
    fn location_in_text(&self, path: &KeyPath, part: Part) -> Option<Location> {
        let found = self
            .documents
            .iter()
            .map(|document| document.find(path, part));
        // `max_by_key` keeps the last of equals: the layer that won.
        let (depth, location) = found.max_by_key(|(depth, _)| *depth)?;
        (depth + 1 >= path.depth()).then_some(location)
    }

    fn location(&self, path: &KeyPath, value: Option<&Value>, part: Part) -> Location {
        let origin = value.and_then(|value| value.origin());
        if let Some(flag) = self.flags.name(path)
            && (value.is_none() || origin == Some(FLAG_ORIGIN))
        {
            return Location::Flag(flag);
        }
        let from_environment = match value {
            // What has no origin: a variable that sets some of it is to blame as well.
            None => self.variables.below(path).is_some(),
            Some(value) if matches!(value.kind, ValueKind::Table(_)) => {
                self.variables.below(path).is_some()
            }
            Some(_) => origin == Some(ENVIRONMENT_ORIGIN),
        };
        match self.location_in_text(path, part) {
            Some(location) if !from_environment => location,
            _ => Location::Environment(self.variables.name(path)),
        }
    }
}

/// A table being read.
#[derive(Debug)]
pub(crate) struct Table<'r, 't> {
    report: &'r Report<'t>,
    path: KeyPath,
    entries: Map<String, Value>,
    /// Keys asked for so far: what an unknown key is told to choose from.
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

    /// The value of `key`, if it is there and right; a wrong one is reported.
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

    /// The value of `key`; one that is missing is reported as well.
    pub(crate) fn require<T: FromValue>(&mut self, key: &'static str) -> Option<T> {
        if !self.entries.contains_key(key) {
            self.known.push(key);
            let path = self.path.key(key);
            self.reject(&path, None, "missing".into(), T::EXPECTED);
            return None;
        }
        self.take(key)
    }

    /// The elements of `key`, which may be one value or an array of them; a missing one is reported.
    pub(crate) fn require_list<T: FromValue>(&mut self, key: &'static str) -> Option<Vec<T>> {
        if !self.entries.contains_key(key) {
            return self.require(key).map(|one| vec![one]);
        }
        self.take_list(key)
    }

    /// The elements of `key`, if it is there.
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

    /// The table under `key`, empty where there is none.
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

    /// A table whose keys are names chosen by the user, in the order of the text.
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

    /// Passes over keys whose meaning cannot be told.
    pub(crate) fn pass_over(&mut self, keys: &[&'static str]) {
        for key in keys {
            self.known.push(key);
            self.entries.shift_remove(*key);
        }
    }

    /// Whether a key is there, right or wrong.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Reports something about a key that is right by itself.
    pub(crate) fn complain(&self, key: &str, found: String, expected: &str) {
        self.reject(&self.path.key(key), None, found, expected);
    }

    /// Ends the reading: what nobody asked for is an error.
    pub(crate) fn finish(self) {
        let known = self.known.join("`, `");
        for (key, value) in &self.entries {
            let path = self.path.key(key);
            let location = self.report.location(&path, Some(value), Part::Key);
            let found = format!("unknown key `{}`", key.escape_debug());
            self.report
                .add(location, &path, found, format!("one of `{known}`"));
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
        let location = self.report.location(path, value, Part::Value);
        self.report.add(location, path, found, expected.to_owned());
    }
}

/// What stands under a name the user chose.
#[derive(Debug)]
pub(crate) enum Named<'r, 't> {
    Table(Table<'r, 't>),
    Single(Single<'r, 't>),
}

impl Named<'_, '_> {
    /// Reports something about the name itself.
    pub(crate) fn complain(&self, found: String, expected: &str) {
        let (report, path) = match self {
            Self::Table(table) => (table.report, &table.path),
            Self::Single(single) => (single.report, &single.path),
        };
        let location = report.location(path, None, Part::Key);
        report.add(location, path, found, expected.to_owned());
    }
}

/// A value that is no table, under a name the user chose.
#[derive(Debug)]
pub(crate) struct Single<'r, 't> {
    report: &'r Report<'t>,
    path: KeyPath,
    value: Value,
}

impl Single<'_, '_> {
    pub(crate) fn read<T: FromValue>(&self) -> Option<T> {
        let reject = |found| {
            let location = self
                .report
                .location(&self.path, Some(&self.value), Part::Value);
            self.report
                .add(location, &self.path, found, T::expected(&self.value));
        };
        T::from_value(&self.value).map_err(reject).ok()
    }
}
