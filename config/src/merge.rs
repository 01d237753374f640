//! The layers, in order: embedded default, drop-ins, file, environment, flags.
//!
//! The crate `config` merges them; this file feeds it and hands the result to
//! the readers. It reads files only through [`Input::read`], and looks at no
//! environment but the one it is given.

use crate::document::Document;
use crate::effective;
use crate::error::{ConfigError, ConfigErrors, Location};
use crate::flags::Flags;
use crate::layer::Layer;
use crate::precedence::{self, SELECTORS};
use crate::read_file::read_file;
use crate::report::Report;
use crate::service::DropIns;
use crate::settings::{ExternalCheck, Settings};
use crate::table::Table;
use crate::unmatched_variables;
use crate::variables::{Environment, Variables};
use config::{Config, Map, Value, ValueKind};
use std::io;
use std::path::Path;

/// The most that a file may hold, in bytes: 16 MiB, a hundred times what two thousand
/// selectors take.
const LARGEST: u64 = 16 << 20;
/// The name of the first layer in messages.
const DEFAULT_NAME: &str = "(embedded default)";
/// The first layer.
const DEFAULT_TEXT: &str = include_str!("default.toml");
/// All that may stand in a drop-in.
const ONLY_SELECTORS: &str =
    "only tables `[bridge.selectors.NAME]`; other keys belong in the main file";

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
    /// One error that names the file and the cause; an absent file keeps its
    /// [`io::ErrorKind::NotFound`], so that the caller can tell that case apart.
    pub fn read(path: &Path) -> Result<Self, (io::ErrorKind, ConfigErrors)> {
        let name = path.display().to_string();
        let text = read_file(path, LARGEST).and_then(|bytes| {
            let no_text = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            String::from_utf8(bytes).map_err(no_text)
        });
        match text {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => Err((error.kind(), whole_file(&name, &error.to_string()))),
        }
    }
}

/// Settings from a file and the environment alone; [`crate::Layers`] knows drop-ins and flags too.
///
/// # Errors
/// Every error of every layer; the only thing that hides others is a text
/// that is not TOML.
pub fn load(file: Option<&Input>, environment: &Environment) -> Result<Settings, ConfigErrors> {
    let inputs = Inputs {
        file: file.cloned(),
        environment: environment.clone(),
        ..Inputs::default()
    };
    let merged = inputs.read(&|_| Vec::new())?;
    Ok(merged.settings)
}

/// What somebody has written, weakest first; the embedded default is below it all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs {
    /// In the order in which they count; all have different names.
    pub(crate) drop_ins: Vec<Input>,
    /// What is wrong with drop-ins that could not even be read.
    pub(crate) unreadable: Vec<ConfigError>,
    /// How many drop-ins, or directories of them, are masked.
    pub(crate) masked: usize,
    pub(crate) file: Option<Input>,
    pub(crate) environment: Environment,
    pub(crate) flags: Flags,
}

/// What the layers say.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) settings: Settings,
    /// What is wrong with drop-ins that were left out, and what was left out with them.
    pub(crate) warnings: Vec<ConfigError>,
    /// The merged values as TOML.
    pub(crate) text: String,
}

impl Inputs {
    /// Merges and reads; drop-ins with errors are left out, unless they are to be strict.
    /// External errors are errors too.
    pub(crate) fn read(&self, check: ExternalCheck<'_>) -> Result<Merged, ConfigErrors> {
        let mut drop_ins: Vec<&Input> = self.drop_ins.iter().collect();
        let mut warnings = self.unreadable.clone();
        loop {
            let names: Vec<&str> = drop_ins.iter().map(|input| input.name.as_str()).collect();
            let in_drop_in = |error: &ConfigError| {
                let file = error.location.file();
                file.is_some_and(|file| names.contains(&file))
            };
            match self.attempt(&drop_ins, check) {
                Ok(merged) => {
                    warnings.extend(merged.warnings);
                    if merged.settings.service.drop_ins == DropIns::Strict && !warnings.is_empty() {
                        return Err(sorted(warnings));
                    }
                    return Ok(Merged {
                        warnings: sorted(warnings).0,
                        ..merged
                    });
                }
                Err(found) if found.iter().any(in_drop_in) => {
                    let (theirs, _): (Vec<_>, Vec<_>) = found.into_iter().partition(in_drop_in);
                    let blamed = |input: &&Input| {
                        let mut files = theirs.iter().filter_map(|error| error.location.file());
                        files.any(|file| file == input.name)
                    };
                    drop_ins.retain(|input| !blamed(input));
                    warnings.extend(theirs);
                }
                Err(found) => {
                    warnings.extend(found);
                    return Err(sorted(warnings));
                }
            }
        }
    }

    /// What these drop-ins and all the rest say, if nothing in them is wrong; its warnings are
    /// of variables for selectors that are not there any more.
    fn attempt(
        &self,
        drop_ins: &[&Input],
        check: ExternalCheck<'_>,
    ) -> Result<Merged, Vec<ConfigError>> {
        let mut documents = self.documents(drop_ins)?;
        let mut variables = Variables::read(&self.environment);
        let missed = self.masked + self.unreadable.len() + self.drop_ins.len() - drop_ins.len();
        let warnings = match missed {
            0 => Vec::new(),
            _ => unmatched_variables::take(&documents, &mut variables),
        };
        precedence::apply(&mut documents, &mut variables, &self.flags);

        let layers: Vec<Layer> = documents.iter().map(Document::layer).collect();
        let entries = merge(layers, &variables, &self.flags).map_err(|error| {
            let name = self.file.as_ref().map_or(DEFAULT_NAME, |file| &file.name);
            whole_file(name, &error.to_string()).0
        })?;
        let text = effective::text(&entries);
        // The embedded default is right: what is wrong was written by somebody.
        let written = documents.split_off(1);
        let report = Report::new(written, variables, self.flags.clone());
        let settings = Settings::read(Table::root(&report, entries));
        for error in check(&settings) {
            report.add_external(error);
        }
        let errors = report.into_errors();
        match errors.as_slice() {
            [] => Ok(Merged {
                settings,
                warnings,
                text,
            }),
            _ => Err(errors),
        }
    }

    /// Every text, the embedded default before all others.
    fn documents<'t>(
        &'t self,
        drop_ins: &[&'t Input],
    ) -> Result<Vec<Document<'t>>, Vec<ConfigError>> {
        let mut documents = Vec::new();
        let mut errors = Vec::new();
        let mut parse = |name, text, drop_in: bool| match Document::parse(name, text) {
            Ok(document) => {
                if drop_in {
                    errors.extend(document.outside_of(&SELECTORS, ONLY_SELECTORS));
                }
                documents.push(document);
            }
            Err(found) => errors.extend(found),
        };
        parse(DEFAULT_NAME, DEFAULT_TEXT, false);
        for input in drop_ins {
            parse(&input.name, &input.text, true);
        }
        if let Some(input) = &self.file {
            parse(&input.name, &input.text, false);
        }
        if errors.is_empty() {
            Ok(documents)
        } else {
            Err(errors)
        }
    }
}

fn sorted(mut errors: Vec<ConfigError>) -> ConfigErrors {
    errors.sort_by_key(|error| error.location.position());
    ConfigErrors(errors)
}

/// All layers in one table; a later one wins key by key.
fn merge(
    layers: Vec<Layer>,
    variables: &Variables,
    flags: &Flags,
) -> Result<Map<String, Value>, config::ConfigError> {
    let mut builder = Config::builder();
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let builder = builder.add_source(variables.layer());
    let merged = builder.add_source(flags.layer()).build()?;
    match merged.cache.kind {
        ValueKind::Table(entries) => Ok(entries),
        _ => Ok(Map::new()),
    }
}

/// An error of a whole file.
pub(crate) fn whole_file(name: &str, found: &str) -> ConfigErrors {
    ConfigErrors(vec![ConfigError {
        location: Location::File(name.to_owned()),
        key: String::new(),
        found: found.to_owned(),
        expected: String::new(),
    }])
}
