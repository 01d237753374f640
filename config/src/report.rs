//! Collects the errors of one load and finds the location of each.

use crate::document::{Document, Part};
use crate::error::{ConfigError, ExternalError, Location};
use crate::error_list::ErrorList;
use crate::flags::{FLAG_ORIGIN, Flags};
use crate::key_path::{KeyPath, Step};
use crate::precedence::SELECTORS;
use crate::variables::{ENVIRONMENT_ORIGIN, Variables};
use config::{Value, ValueKind};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// The layers of a configuration, and the errors found in it so far.
#[derive(Debug)]
pub(crate) struct Report<'t> {
    /// Those that a user wrote, in the order of the layers: a later one takes precedence.
    documents: Vec<Document<'t>>,
    /// The document of each selector that is in one. The others have lost it to this one.
    selectors: HashMap<String, usize>,
    variables: Variables,
    flags: Flags,
    errors: RefCell<Errors>,
}

/// The errors found so far, with a limit for each origin.
#[derive(Debug)]
struct Errors {
    /// Of each document, in their order.
    documents: Vec<ErrorList>,
    environment: ErrorList,
    flags: ErrorList,
    /// The keys of the listed errors.
    keys: HashSet<String>,
}

/// The layer that causes an error.
#[derive(Clone, Copy, Debug)]
enum Origin {
    Flag(&'static str),
    Environment,
    Document(usize),
}

impl<'t> Report<'t> {
    pub(crate) fn new(documents: Vec<Document<'t>>, variables: Variables, flags: Flags) -> Self {
        let mut selectors = HashMap::new();
        for (index, document) in documents.iter().enumerate() {
            let names = document.keys(&SELECTORS);
            selectors.extend(names.into_iter().map(|name| (name, index)));
        }
        let errors = Errors {
            documents: documents.iter().map(|_| ErrorList::default()).collect(),
            environment: variables.errors().iter().cloned().collect(),
            flags: ErrorList::default(),
            keys: HashSet::new(),
        };
        Self {
            documents,
            selectors,
            flags,
            errors: RefCell::new(errors),
            variables,
        }
    }

    pub(crate) fn into_errors(self) -> Vec<ConfigError> {
        let Errors {
            documents,
            environment,
            flags,
            ..
        } = self.errors.into_inner();
        let lists = documents.into_iter().chain([environment, flags]);
        lists.flat_map(ErrorList::into_errors).collect()
    }

    /// Adds an error of a file that a setting names, at the location of its key. Omitted if the
    /// key has an error of its own, or is in a document that is `trusted`, by its name.
    pub(crate) fn add_external(
        &self,
        ExternalError { key, found }: ExternalError,
        trusted: impl Fn(&str) -> bool,
    ) {
        let path = KeyPath::of(&key);
        let document = self.document(&path);
        let document = document.and_then(|index| self.documents.get(index));
        if document.is_some_and(|document| trusted(document.name()))
            || self.errors.borrow().keys.contains(&path.to_string())
        {
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
        let origin = self.origin(path, value);
        let mut errors = self.errors.borrow_mut();
        let Errors {
            documents,
            environment,
            flags,
            keys,
        } = &mut *errors;
        let list = match origin {
            Origin::Flag(_) => Some(flags),
            Origin::Environment => Some(environment),
            Origin::Document(index) => documents.get_mut(index),
        };
        let error = || {
            let key = path.to_string();
            keys.insert(key.clone());
            ConfigError {
                location: self.location(origin, path, part),
                key,
                found,
                expected,
            }
        };
        if let Some(list) = list {
            list.add(error);
        }
    }

    fn origin(&self, path: &KeyPath, value: Option<&Value>) -> Origin {
        let origin = value.and_then(|value| value.origin());
        if let Some(flag) = self.flags.name(path)
            && (value.is_none() || origin == Some(FLAG_ORIGIN))
        {
            return Origin::Flag(flag);
        }
        let from_environment = match value {
            // A missing value or a table has no origin: a variable below it may be the cause.
            None => self.variables.below(path).is_some(),
            Some(value) if matches!(value.kind, ValueKind::Table(_)) => {
                self.variables.below(path).is_some()
            }
            Some(_) => origin == Some(ENVIRONMENT_ORIGIN),
        };
        match self.document(path) {
            Some(document) if !from_environment => Origin::Document(document),
            _ => Origin::Environment,
        }
    }

    /// The last of the documents that have most of the path. A document without even the table
    /// around the key is not the cause.
    fn document(&self, path: &KeyPath) -> Option<usize> {
        let steps = path.steps().len();
        if let [Step::Key(first), Step::Key(second), Step::Key(name), ..] = path.steps()
            && [first, second] == SELECTORS
            && let Some(index) = self.selectors.get(name)
        {
            let depth = self.documents.get(*index)?.depth(path);
            return (depth + 1 >= steps).then_some(*index);
        }
        let mut found = None;
        let mut deepest = 0;
        // The last document takes precedence, and usually has the whole path.
        for (index, document) in self.documents.iter().enumerate().rev() {
            let depth = document.depth(path);
            if found.is_none() || depth > deepest {
                (found, deepest) = (Some(index), depth);
            }
            if deepest == steps {
                break;
            }
        }
        found.filter(|_| deepest + 1 >= steps)
    }

    fn location(&self, origin: Origin, path: &KeyPath, part: Part) -> Location {
        match origin {
            Origin::Flag(name) => Location::Flag(name),
            Origin::Environment => Location::Environment(self.variables.name(path)),
            Origin::Document(index) => match self.documents.get(index) {
                Some(document) => document.locate(path, part),
                None => Location::Environment(self.variables.name(path)),
            },
        }
    }
}
