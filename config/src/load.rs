//! The layers, in order: embedded default, file, environment.
//!
//! The crate `config` merges them; this file feeds it and hands the result to
//! the readers. It reads files only through [`Input::read`], and looks at no
//! environment but the one it is given.

use crate::document::{Document, Layer};
use crate::mistake::{Mistake, Mistakes, Place};
use crate::settings::Settings;
use crate::table::{Report, Table};
use crate::variables::Variables;
use config::{Config, ConfigError, Map, Value, ValueKind};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The name of the first layer in messages.
const DEFAULT_NAME: &str = "(embedded default)";
/// The first layer.
const DEFAULT_TEXT: &str = include_str!("default.toml");

/// Environment variables by name; those without the prefix are passed over. In
/// the order of their names, since the environment itself has none.
pub type Environment = BTreeMap<String, String>;

/// A configuration text and the name it goes by in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The name, usually the path of the file.
    pub name: String,
    /// The TOML text.
    pub text: String,
}

impl Input {
    /// Reads a file.
    ///
    /// # Errors
    /// One mistake that names the file and the cause; an absent file keeps its
    /// [`io::ErrorKind::NotFound`], so that the caller can tell that case apart.
    pub fn read(path: &Path) -> Result<Self, (io::ErrorKind, Mistakes)> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => Err((error.kind(), whole_file(&name, &error.to_string()))),
        }
    }
}

/// Settings from the layers: `file` where there is one, then `environment`.
///
/// # Errors
/// Every mistake of every layer; the only thing that hides others is a text
/// that is not TOML.
pub fn load(file: Option<&Input>, environment: &Environment) -> Result<Settings, Mistakes> {
    let mut texts = vec![(DEFAULT_NAME, DEFAULT_TEXT)];
    texts.extend(file.map(|input| (input.name.as_str(), input.text.as_str())));

    let mut documents = Vec::with_capacity(texts.len());
    let mut mistakes = Vec::new();
    for (name, text) in &texts {
        match Document::parse(name, text) {
            Ok(document) => documents.push(document),
            Err(errors) => mistakes.extend(errors),
        }
    }
    if !mistakes.is_empty() {
        return Err(Mistakes(mistakes));
    }

    let layers: Vec<Layer> = documents.iter().map(Document::layer).collect();
    let variables = Variables::read(environment);
    let entries = merge(layers, &variables).map_err(|error| {
        let name = file.map_or(DEFAULT_NAME, |input| input.name.as_str());
        whole_file(name, &error.to_string())
    })?;
    // The embedded default is right: what is wrong was written by somebody.
    let written = documents.split_off(1);
    let report = Report::new(written, variables);
    let settings = Settings::read(Table::root(&report, entries));
    let mut mistakes = report.into_mistakes();
    mistakes.sort_by_key(|mistake| mistake.place.position());
    match settings {
        Some(settings) if mistakes.is_empty() => Ok(settings),
        _ => Err(Mistakes(mistakes)),
    }
}

/// All layers in one table; a later one wins key by key.
fn merge(layers: Vec<Layer>, variables: &Variables) -> Result<Map<String, Value>, ConfigError> {
    let mut builder = Config::builder();
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let merged = builder.add_source(variables.layer()).build()?;
    match merged.cache.kind {
        ValueKind::Table(entries) => Ok(entries),
        _ => Ok(Map::new()),
    }
}

fn whole_file(name: &str, found: &str) -> Mistakes {
    Mistakes(vec![Mistake {
        place: Place::File(name.to_owned()),
        key: String::new(),
        found: found.to_owned(),
        expected: String::new(),
    }])
}
