//! A fault of the host that affects one path, with its remedy.

use std::path::PathBuf;

/// A fault of a path, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The fault, as a clause without a full stop.
    pub(crate) what: String,
    /// The path that has the fault.
    pub(crate) path: PathBuf,
    /// The change that resolves it.
    pub(crate) remedy: String,
}
