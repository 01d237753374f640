//! Composes the files of a selector into one body.
//!
//! A single file passes byte for byte; several are joined into one valid
//! exposition. Runs on the blocking pool, since it is CPU-bound; does no I/O.

use super::entry::LastGood;
use super::outcome::FileOutcome;
use super::settings::{FileSettings, joined as joined_paths};
use crate::reason::Reason;
use crate::scrape::{Exposition, ScrapeError, ScrapeResult};
use crate::validator::Validator;
use local_exporter_exposition::{Conflict, join};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most files among which to search for the one that makes a joined body invalid.
const MAX_SUSPECTS: usize = 64;

/// The name of a joined body in messages.
const ALL_FILES: &str = "all files together";

/// The composition of all files.
#[derive(Debug)]
pub(super) struct Composed {
    pub(super) result: ScrapeResult,
    /// Sample lines left out because an earlier file has the same series.
    pub(super) duplicates: usize,
    /// One message for each family or file that was left out because it contradicts an earlier
    /// file.
    pub(super) conflicts: Vec<String>,
}

/// Composes the files that are to be served.
pub(super) fn compose(outcomes: &mut [FileOutcome], settings: &FileSettings) -> Composed {
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
    let total: usize = served.iter().map(|(_, good)| good.body.len()).sum();
    let max_bytes = settings.limits.max_bytes;
    if total > max_bytes {
        return Composed::failed(ScrapeError::too_large(&ALL_FILES, max_bytes));
    }
    match served.as_slice() {
        [] => {
            let error = outcomes.iter().find_map(lost);
            Composed::failed(error.unwrap_or_else(|| no_file(settings)))
        }
        [(_, only)] => Composed {
            result: Ok(Exposition {
                body: only.body.clone(),
                summary: only.summary,
                cached_at: Some(only.confirmed_at),
                compressed: Arc::default(),
            }),
            duplicates: 0,
            conflicts: Vec::new(),
        },
        several => {
            let mut composed = join_all(several, outcomes, &settings.validator);
            if strict && let Some(first) = composed.conflicts.first() {
                composed.result = Err(ScrapeError::new(Reason::Malformed, first.clone()));
            }
            composed
        }
    }
}

impl Composed {
    /// Nothing is served, because of `error`.
    pub(super) fn failed(error: ScrapeError) -> Self {
        Self {
            result: Err(error),
            duplicates: 0,
            conflicts: Vec::new(),
        }
    }
}

fn no_file(settings: &FileSettings) -> ScrapeError {
    let paths = joined_paths(&settings.paths);
    let names = settings.options.patterns.join(", ");
    let message = format!("no file found in {paths} (names in directories: {names})");
    ScrapeError::new(Reason::Absent, message)
}

/// Joins several files into one body. Files that cannot be part of it get an error.
fn join_all(
    files: &[(PathBuf, LastGood)],
    outcomes: &mut [FileOutcome],
    validator: &Validator,
) -> Composed {
    let mut attempt = Attempt::new(files, validator);
    let mut conflicts = Vec::new();
    if attempt.result.is_err() && attempt.conflicts.is_empty() && files.len() <= MAX_SUSPECTS {
        // Each file is valid, but all together are not: find those that make the body invalid.
        let mut valid = Vec::new();
        for file in files {
            valid.push(file.clone());
            if let Err(error) = Attempt::new(&valid, validator).result {
                valid.pop();
                let message = format!("{}: together with earlier files, {error}", file.0.display());
                set_error(outcomes, &file.0, error.reason, &message);
                conflicts.push(message);
            }
        }
        attempt = Attempt::new(&valid, validator);
    }
    for conflict in &attempt.conflicts {
        let message = describe(conflict);
        let dropped = Path::new(&conflict.dropped);
        set_error(outcomes, dropped, Reason::Malformed, &message);
        conflicts.push(message);
    }
    if let (Content::Nothing, Some(first)) = (attempt.content, conflicts.first()) {
        // The body is empty because every file was left out, not because the files are empty.
        attempt.result = Err(ScrapeError::new(Reason::Malformed, first.clone()));
    }
    let confirmed = files.iter().map(|(_, good)| good.confirmed_at).min();
    Composed {
        result: attempt.result.map(|exposition| Exposition {
            cached_at: confirmed,
            ..exposition
        }),
        duplicates: attempt.duplicates,
        conflicts,
    }
}

/// The result of joining some files and validating their body.
struct Attempt {
    result: ScrapeResult,
    content: Content,
    duplicates: usize,
    conflicts: Vec<Conflict>,
}

/// Whether a joined body has any content.
#[derive(Clone, Copy)]
enum Content {
    Something,
    Nothing,
}

impl Attempt {
    fn new(files: &[(PathBuf, LastGood)], validator: &Validator) -> Self {
        let names = files.iter().map(|(path, _)| path.display().to_string());
        let names: Vec<String> = names.collect();
        let bodies = files.iter().map(|(_, good)| &good.body[..]);
        let named: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(bodies).collect();
        let joined = join(&named, validator.format());
        Self {
            content: match joined.body.as_slice() {
                [] => Content::Nothing,
                _ => Content::Something,
            },
            result: validator.validate_now(joined.body.into(), ALL_FILES),
            duplicates: joined.duplicates,
            conflicts: joined.conflicts,
        }
    }
}

/// Sets the error of a file that has none yet.
fn set_error(outcomes: &mut [FileOutcome], path: &Path, reason: Reason, message: &str) {
    if let Some(outcome) = outcomes.iter_mut().find(|outcome| outcome.path == path) {
        let error = || ScrapeError::new(reason, message);
        outcome.error.get_or_insert_with(error);
    }
}

fn describe(conflict: &Conflict) -> String {
    let family = match conflict.family.as_str() {
        "" => String::new(),
        family => format!("family {family}: "),
    };
    let kept = match conflict.kept.as_str() {
        "" => String::new(),
        kept => format!(" (kept: {kept})"),
    };
    format!("{}: {family}{}{kept}", conflict.dropped, conflict.message)
}
