//! The result of a reload.

use local_exporter_config::{ConfigError, ConfigErrors, DropInState, Rejected};
use std::fmt;
use std::sync::Arc;

/// The result of a reload: what the new configuration lacks, or why the old one stays.
pub(crate) type ReloadResult = Result<Warnings, ReloadError>;

/// The errors of drop-ins of the new configuration, each with its consequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings(Arc<[String]>);

/// The errors for which a configuration was refused. The running one stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadError(Arc<[String]>);

impl Warnings {
    pub(crate) fn of(warnings: &[ConfigError], drop_ins: &DropInState) -> Self {
        let line = |error: &ConfigError| {
            let file = error.location.file();
            match file.and_then(|file| drop_ins.rejected.get(file)) {
                Some(Rejected::Kept) => format!("last valid version kept: {error}"),
                Some(Rejected::LeftOut) | None => format!("left out: {error}"),
            }
        };
        Self(warnings.iter().map(line).collect())
    }

    #[cfg(test)]
    pub(crate) fn one(error: &str) -> Self {
        Self(Arc::new([format!("left out: {error}")]))
    }
}

/// One line for each error; empty if nothing was left out.
impl fmt::Display for Warnings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.0.iter();
        errors.try_for_each(|error| writeln!(formatter, "{error}"))
    }
}

impl ReloadError {
    pub(crate) fn one(why: impl Into<String>) -> Self {
        Self(Arc::new([why.into()]))
    }

    /// The errors, one line each.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl From<ConfigErrors> for ReloadError {
    fn from(errors: ConfigErrors) -> Self {
        Self(errors.0.iter().map(ToString::to_string).collect())
    }
}

impl fmt::Display for ReloadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}
