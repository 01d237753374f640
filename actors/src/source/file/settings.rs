//! The settings of a source of files.

use crate::validator::Validator;
use local_exporter_config::{FileOptions, Limits, shown};
use std::path::PathBuf;

/// The files of a source, and how they are read.
#[derive(Clone, Debug)]
pub(in crate::source) struct FileSettings {
    /// Absolute paths of files and directories, and patterns, in the order of the configuration.
    pub(in crate::source) paths: Vec<PathBuf>,
    pub(in crate::source) options: FileOptions,
    pub(in crate::source) limits: Limits,
    pub(in crate::source) validator: Validator,
    pub(in crate::source) role: Role,
}

/// Whether the files are all of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Role {
    /// They are: the result of a scan is the result of the source.
    Alone,
    /// They are one of its parts: their owner decides at each scrape whether to use them.
    Fallback,
}

/// Paths in one line, as in a message.
pub(super) fn joined(paths: &[PathBuf]) -> String {
    let paths = paths.iter().map(|path| shown(path).to_string());
    paths.collect::<Vec<_>>().join(", ")
}
