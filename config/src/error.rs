//! Errors of a configuration and their locations.
//!
//! An error has a location, a key, what was found and what is expected. Nothing here decides
//! whether something is an error.

use std::fmt;

/// One error, printed as `file:line:column: key.path: what was found, expected what`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The location of the error.
    pub location: Location,
    /// The dotted path of the key; empty if the text cannot be parsed.
    pub key: String,
    /// The value that was found, in words.
    pub found: String,
    /// The values that are expected, in words; empty if `found` is sufficient.
    pub expected: String,
}

/// The location of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A position in a file; line and column count from 1, the column in characters.
    Text {
        /// The name of the file, as given.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// A whole file, which cannot be read, for example.
    File(String),
    /// An environment variable, by name.
    Environment(String),
    /// A flag of the command line, such as `--web.listen-address`.
    Flag(&'static str),
}

impl Location {
    /// The sort key of errors: files, then the environment, then flags; within a file by position.
    pub(crate) fn position(&self) -> (u8, String, usize, usize) {
        match self {
            Self::File(_) => (0, String::new(), 0, 0),
            Self::Text { file, line, column } => (1, file.clone(), *line, *column),
            Self::Environment(_) => (2, String::new(), 0, 0),
            Self::Flag(_) => (3, String::new(), 0, 0),
        }
    }

    /// The file, if it is in one.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::File(file) | Self::Text { file, .. } => Some(file),
            Self::Environment(_) | Self::Flag(_) => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { file, line, column } => write!(formatter, "{file}:{line}:{column}"),
            Self::File(file) => formatter.write_str(file),
            Self::Environment(name) => write!(formatter, "environment {}", name.escape_debug()),
            Self::Flag(name) => formatter.write_str(name),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.location)?;
        if !self.key.is_empty() {
            write!(formatter, "{}: ", self.key)?;
        }
        formatter.write_str(&self.found)?;
        if !self.expected.is_empty() {
            write!(formatter, ", expected {}", self.expected)?;
        }
        Ok(())
    }
}

/// An error in a file that a setting names. Loading a configuration does not read such files;
/// a caller who does can report their errors, each as a [`ConfigError`] at the location of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalError {
    /// The keys from the root to the one that names the file.
    pub key: Vec<String>,
    /// The value that was found, in words.
    pub found: String,
}

/// All errors of one load, printed one per line. Never empty when returned as an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            error.fmt(formatter)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
