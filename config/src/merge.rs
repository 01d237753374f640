//! Merges the layers in order: embedded default, drop-ins, file, environment, flags.
//!
//! The crate `config` does the merging; its result goes to the readers. Nothing here reads
//! files or the environment of the process.

use crate::document::Document;
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
use std::collections::HashSet;

/// The name of the first layer in messages.
const DEFAULT_NAME: &str = "(embedded default)";
/// The first layer.
const DEFAULT_TEXT: &str = include_str!("default.toml");
/// The permitted content of a drop-in.
const ONLY_SELECTORS: &str =
    "only tables `[bridge.selectors.NAME]`; other keys belong in the main file";

/// The most times that the layers are read again without the drop-ins that had errors.
const MAX_ROUNDS: usize = 16;
const TOO_MANY_COMPETITORS: &str =
    "not read: more than 16 drop-ins with errors define a selector that this one defines too";

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
}

impl Inputs {
    /// Merges and reads the layers. Drop-ins with errors are left out, unless they are strict.
    /// The errors that `check` returns are handled like all others.
    pub(crate) fn read(&self, check: ExternalCheck<'_>) -> Result<Merged, ConfigErrors> {
        let mut drop_ins: Vec<&Input> = self.drop_ins.iter().collect();
        let mut warnings = self.unreadable.clone();
        // Each round leaves out at least one drop-in. Without it, a drop-in whose selectors it
        // replaced takes effect, and may have errors of its own.
        let mut rounds = 0;
        loop {
            let found = match self.attempt(&drop_ins, check) {
                Ok(merged) => return finished(merged, warnings),
                Err(found) => found,
            };
            let names: HashSet<&str> = drop_ins.iter().map(|input| input.name.as_str()).collect();
            let (theirs, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|error| {
                let file = error.location.file();
                file.is_some_and(|file| names.contains(file))
            });
            if theirs.is_empty() {
                warnings.extend(others);
                return Err(sorted(warnings));
            }
            rounds += 1;
            let (left_out, kept) = without(drop_ins, &theirs);
            drop_ins = kept;
            warnings.extend(theirs);
            if rounds == MAX_ROUNDS {
                warnings.extend(take_competitors(&left_out, &mut drop_ins));
            }
        }
    }

    /// Merges some of the drop-ins and all other layers. The warnings are about variables for
    /// selectors of the other drop-ins.
    fn attempt(
        &self,
        drop_ins: &[&Input],
        check: ExternalCheck<'_>,
    ) -> Result<Merged, Vec<ConfigError>> {
        let mut documents = self.documents(drop_ins)?;
        let mut variables = Variables::read(&self.environment);
        let missing = self.masked + self.unreadable.len() + self.drop_ins.len() - drop_ins.len();
        let warnings = match missing {
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
        // The embedded default has no errors, so locations are only looked up in the others.
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

/// The drop-ins with one of the errors, and those without.
fn without<'i>(
    drop_ins: Vec<&'i Input>,
    errors: &[ConfigError],
) -> (Vec<&'i Input>, Vec<&'i Input>) {
    let files = errors.iter().filter_map(|error| error.location.file());
    let files: HashSet<&str> = files.collect();
    let has_error = |input: &&Input| files.contains(input.name.as_str());
    drop_ins.into_iter().partition(has_error)
}

/// Removes the drop-ins that define a selector of those that were left out, and returns an error for
/// each.
fn take_competitors(left_out: &[&Input], drop_ins: &mut Vec<&Input>) -> Vec<ConfigError> {
    let names = |input: &&Input| {
        let document = Document::parse(&input.name, &input.text);
        document.map_or_else(|_| Vec::new(), |document| document.keys(&SELECTORS))
    };
    let contested: HashSet<String> = left_out.iter().flat_map(names).collect();
    let mut errors = Vec::new();
    drop_ins.retain(|input| {
        let competes = names(input).iter().any(|name| contested.contains(name));
        if competes {
            errors.extend(whole_file(&input.name, TOO_MANY_COMPETITORS).0);
        }
        !competes
    });
    errors
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
