//! Collects the errors of one load and finds the location of each.

use crate::document::{Document, Part};
use crate::error::{ConfigError, ExternalError, Location};
use crate::flags::{FLAG_ORIGIN, Flags};
use crate::key_path::KeyPath;
use crate::variables::{ENVIRONMENT_ORIGIN, Variables};
use config::{Value, ValueKind};
use std::cell::RefCell;

/// The layers of a configuration, and the errors found in it so far.
#[derive(Debug)]
pub(crate) struct Report<'t> {
    /// Those that a user wrote, in the order of the layers: a later one takes precedence.
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

    /// Adds an error of a file that a setting names, at the location of its key. Omitted if the
    /// key has an error of its own.
    pub(crate) fn add_external(&self, ExternalError { key, found }: ExternalError) {
        let path = KeyPath::of(&key);
        let name = path.to_string();
        if self.errors.borrow().iter().any(|known| known.key == name) {
            return;
        }
        self.add(&path, None, Part::Value, found, String::new());
    }

    /// Adds an error about a key, or about the value that was found there.
    pub(crate) fn add(
        &self,
        path: &KeyPath,
        value: Option<&Value>,
        part: Part,
        found: String,
        expected: String,
    ) {
        self.errors.borrow_mut().push(ConfigError {
            location: self.location(path, value, part),
            key: path.to_string(),
            found,
            expected,
        });
    }

    fn location(&self, path: &KeyPath, value: Option<&Value>, part: Part) -> Location {
        let origin = value.and_then(|value| value.origin());
        if let Some(flag) = self.flags.name(path)
            && (value.is_none() || origin == Some(FLAG_ORIGIN))
        {
            return Location::Flag(flag);
        }
        let from_environment = match value {
            // A missing value or a table has no origin: a variable below it may be the cause.
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

    /// The location in the last of the documents that have most of the path. A document without
    /// even the table around the key is not the cause.
    fn location_in_text(&self, path: &KeyPath, part: Part) -> Option<Location> {
        let found = self
            .documents
            .iter()
            .map(|document| document.find(path, part));
        // `max_by_key` returns the last of equals: the layer that takes precedence.
        let (depth, location) = found.max_by_key(|(depth, _)| *depth)?;
        (depth + 1 >= path.steps().len()).then_some(location)
    }
}
