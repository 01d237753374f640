//! One finding of a diagnosis.

use crate::host::problem::Problem;
use crate::reason::Reason;
use std::path::PathBuf;

/// The most findings about one source: a directory may have many files that cannot be read.
pub(super) const MAX_FINDINGS: usize = 20;

/// Something that is wrong with a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The fault, as a clause without a full stop.
    pub what: String,
    /// The path that has the fault, if it is one of a file system.
    pub path: Option<PathBuf>,
    /// The change that resolves it.
    pub remedy: String,
    /// The reasons for which scrapes fail because of it; empty if they may succeed.
    pub(super) leads_to: &'static [Reason],
}

impl Finding {
    /// The finding of a problem of the host.
    pub(super) fn of(problem: Problem, leads_to: &'static [Reason]) -> Self {
        let Problem { what, path, remedy } = problem;
        Self {
            what,
            path: Some(path),
            remedy,
            leads_to,
        }
    }

    /// A finding without a path, which does not make scrapes fail.
    pub(super) fn general(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            path: None,
            remedy: remedy.into(),
            leads_to: &[],
        }
    }
}
