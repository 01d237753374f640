//! Merges the layers in order: embedded default, drop-ins, file, environment, flags.
//!
//! The crate `config` does the merging; its result goes to the readers. Nothing here reads
//! files or the environment of the process.

use crate::document::Document;
use crate::drop_ins::{ActiveDropIns, DropInState, LastValid};
use crate::effective;
use crate::error::{ConfigError, ConfigErrors};
use crate::flags::Flags;
use crate::input::{Input, whole_file};
use crate::layer::Layer;
use crate::precedence::{self, SELECTORS};
use crate::report::Report;
use crate::service::DropIns;
use crate::settings::{ExternalCheck, Settings};
use crate::table::Table;
use crate::unmatched_variables;
use crate::variables::{Environment, Variables};
use config::{Config, Map, Value, ValueKind};

/// The name of the first layer in messages.
const DEFAULT_NAME: &str = "(embedded default)";
/// The first layer.
const DEFAULT_TEXT: &str = include_str!("default.toml");
/// The permitted content of a drop-in.
const ONLY_SELECTORS: &str =
    "only tables `[bridge.selectors.NAME]`; other keys belong in the main file";

/// Settings from a file and the environment only. [`crate::Layers`] supports drop-ins and
/// flags as well.
///
/// # Errors
/// Every error of every layer. Only a text that is not TOML hides others.
pub fn load(file: Option<&Input>, environment: &Environment) -> Result<Settings, ConfigErrors> {
    let inputs = Inputs {
        file: file.cloned(),
        environment: environment.clone(),
        ..Inputs::default()
    };
    let merged = inputs.read(&|_| Vec::new())?;
    Ok(merged.settings)
}

/// The layers above the embedded default, as they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs {
    /// In ascending precedence; the names differ.
    pub(crate) drop_ins: Vec<Input>,
    /// The texts of drop-ins from the last load, for those that have errors now.
    pub(crate) last_valid: LastValid,
    /// The errors of drop-ins that could not be read.
    pub(crate) unreadable: Vec<ConfigError>,
    /// The number of drop-ins, or directories of them, that are masked.
    pub(crate) masked: usize,
    pub(crate) file: Option<Input>,
    pub(crate) environment: Environment,
    pub(crate) flags: Flags,
}

/// The merged layers.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) settings: Settings,
    /// The errors of drop-ins that were left out, and the variables left out with them.
    pub(crate) warnings: Vec<ConfigError>,
    /// The merged values as TOML.
    pub(crate) text: String,
    pub(crate) drop_ins: DropInState,
}

impl Inputs {
    /// Merges and reads the layers. Drop-ins with errors are left out or
    /// replaced by their last valid text, unless they are strict.
    /// The errors that `check` returns are handled like all others.
    pub(crate) fn read(&self, check: ExternalCheck<'_>) -> Result<Merged, ConfigErrors> {
        let mut drop_ins = ActiveDropIns::new(&self.drop_ins, &self.unreadable, &self.last_valid);
        let mut warnings = self.unreadable.clone();
        // Each round changes at least one drop-in. Without it, a drop-in whose selectors it
        // replaced takes effect, and may have errors of its own.
        loop {
            let found = match self.attempt(&drop_ins, check) {
                Ok(merged) => return finished(merged, warnings),
                Err(found) => found,
            };
            let (theirs, others) = drop_ins.reject(found);
            if theirs.is_empty() {
                warnings.extend(others);
                return Err(sorted(warnings));
            }
            warnings.extend(theirs);
        }
    }

    /// Merges some of the drop-ins and all other layers. The warnings are about variables for
    /// selectors of the other drop-ins.
    fn attempt(
        &self,
        drop_ins: &ActiveDropIns<'_>,
        check: ExternalCheck<'_>,
    ) -> Result<Merged, Vec<ConfigError>> {
        let mut documents = self.documents(drop_ins.inputs())?;
        let mut variables = Variables::read(&self.environment);
        let warnings = match self.masked == 0 && drop_ins.are_complete() {
            true => Vec::new(),
            false => unmatched_variables::take(&documents, &mut variables),
        };
        let replaced = precedence::apply(&mut documents, &mut variables, &self.flags);
        let contested = precedence::contested(replaced, drop_ins.inputs());

        let layers: Vec<Layer> = documents.iter().map(Document::layer).collect();
        let entries = merge(layers, &variables, &self.flags).map_err(|error| {
            let name = self.file.as_ref().map_or(DEFAULT_NAME, |file| &file.name);
            whole_file(name, &error.to_string()).0
        })?;
        let text = effective::text(&entries);
        // The embedded default has no errors, so locations are only looked up in the others.
        let written = documents.split_off(1);
        let report = Report::new(written, variables, self.flags.clone());
        let settings = Settings::read(Table::root(&report, entries));
        for error in check(&settings) {
            report.add_external(error, |file| drop_ins.is_kept(file));
        }
        let errors = report.into_errors();
        match errors.as_slice() {
            [] => Ok(Merged {
                settings,
                warnings,
                text,
                drop_ins: drop_ins.finish(contested),
            }),
            _ => Err(errors),
        }
    }

    /// Parses every text, the embedded default first.
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

/// The result, unless drop-ins are strict and there are warnings.
fn finished(merged: Merged, mut warnings: Vec<ConfigError>) -> Result<Merged, ConfigErrors> {
    warnings.extend(merged.warnings);
    let strict = merged.settings.service.drop_ins == DropIns::Strict;
    if strict && !warnings.is_empty() {
        return Err(sorted(warnings));
    }
    Ok(Merged {
        warnings: sorted(warnings).0,
        ..merged
    })
}

fn sorted(mut errors: Vec<ConfigError>) -> ConfigErrors {
    errors.sort_by_key(|error| error.location.position());
    ConfigErrors(errors)
}

/// All layers in one table. A later one takes precedence, key by key.
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
