//! Composes the files of a selector into one body.
//!
//! A single file passes byte for byte; several are joined into one valid
//! exposition. Runs on the blocking pool, since it is CPU-bound; does no I/O.

use super::entry::{LastGood, being_written};
use super::join::{JoinedFiles, join_all};
use super::outcome::FileOutcome;
use super::settings::{FileSettings, joined as joined_paths};
use crate::reason::Reason;
use crate::scrape::{Exposition, ScrapeError};
use bytes::Bytes;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The composition of all files.
#[derive(Clone, Debug)]
pub(super) struct Composed {
    pub(super) files: JoinedFiles,
    /// The bodies of which it is made, by the path of the file.
    parts: Vec<(PathBuf, Bytes)>,
}

/// Composes the files that are to be served. The composition of the scan before is used again if
/// they are the same.
pub(super) fn compose(
    outcomes: &mut [FileOutcome],
    settings: &FileSettings,
    before: Option<Composed>,
) -> Composed {
    let strict = settings.options.strict;
    let lost = |outcome: &FileOutcome| match outcome.served {
        // The last good body replaces it.
        Some(_) => None,
        None => outcome.error.clone(),
    };
    if strict && let Some(error) = outcomes.iter().find_map(lost) {
        return Composed::failed(error);
    }
    let served = outcomes.iter();
    let served = served.filter_map(|file| Some((file.path.clone(), file.served.clone()?)));
    let served: Vec<(PathBuf, LastGood)> = served.collect();
    if served.is_empty() {
        let error = outcomes.iter().find_map(lost);
        let first = outcomes.first().map(|file| being_written(&file.path));
        return Composed::failed(error.or(first).unwrap_or_else(|| no_file(settings)));
    }
    let mut composed = match before {
        Some(before) if before.is_of(&served) => before,
        _ => Composed::of(&served, settings),
    };
    composed.confirm(&served);
    composed.set_errors(outcomes);
    composed
}

impl Composed {
    /// Nothing is served, because of `error`.
    pub(super) fn failed(error: ScrapeError) -> Self {
        Self {
            files: JoinedFiles::of(Err(error)),
            parts: Vec::new(),
        }
    }

    fn of(served: &[(PathBuf, LastGood)], settings: &FileSettings) -> Self {
        let mut files = match served {
            [(_, only)] => JoinedFiles::of(Ok(Exposition {
                body: only.body.clone(),
                summary: only.summary,
                cached_at: None,
                compressed: Arc::default(),
                escaping: None,
                escaped: Arc::default(),
            })),
            several => join_all(several, settings),
        };
        if settings.options.strict
            && let Some(first) = files.conflicts.first()
        {
            files.result = Err(ScrapeError::new(Reason::Malformed, first.clone()));
        }
        let parts = served.iter();
        let parts = parts.map(|(path, good)| (path.clone(), good.body.clone()));
        Self {
            files,
            parts: parts.collect(),
        }
    }

    /// Whether it is made of these files, with these contents.
    fn is_of(&self, served: &[(PathBuf, LastGood)]) -> bool {
        let same = |((path, body), (other, good)): (&(PathBuf, Bytes), &(PathBuf, LastGood))| {
            path == other && is_same(body, &good.body)
        };
        self.parts.len() == served.len() && self.parts.iter().zip(served).all(same)
    }

    /// Records when its parts were last known to be current.
    fn confirm(&mut self, served: &[(PathBuf, LastGood)]) {
        if let Ok(exposition) = &mut self.files.result {
            exposition.cached_at = served.iter().map(|(_, good)| good.confirmed_at).min();
        }
    }

    /// Sets the errors of files that have none yet.
    fn set_errors(&self, outcomes: &mut [FileOutcome]) {
        let errors = self.files.errors.iter().rev();
        // The first error of a file counts.
        let errors: HashMap<_, _> = errors.map(|(path, error)| (path, error)).collect();
        for outcome in outcomes {
            if let Some(error) = errors.get(&outcome.path) {
                outcome.error.get_or_insert_with(|| (*error).clone());
            }
        }
    }
}

fn no_file(settings: &FileSettings) -> ScrapeError {
    let paths = joined_paths(&settings.paths);
    let names = settings.options.patterns.join(", ");
    let message = format!("no file found in {paths} (names in directories: {names})");
    ScrapeError::new(Reason::Absent, message)
}

/// Whether two bodies are one in memory.
fn is_same(one: &Bytes, other: &Bytes) -> bool {
    (one.as_ptr(), one.len()) == (other.as_ptr(), other.len())
}
