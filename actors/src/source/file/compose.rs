//! The files of a selector as one exposition.
//!
//! One file alone passes byte for byte; several are joined into one valid
//! exposition. Blocks, and runs on the blocking pool; it does no I/O.

use super::cache::{FileOutcome, LastGood};
use super::{FileSettings, listed};
use crate::reason::Reason;
use crate::scrape::{Exposition, ScrapeError, ScrapeResult};
use crate::validator::Validator;
use local_exporter_exposition::{Conflict, join};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the outcomes come to.
#[derive(Debug)]
pub(super) struct Composed {
    pub(super) answer: ScrapeResult,
    /// Sample lines left out because an earlier file has their series.
    pub(super) duplicates: usize,
    /// Families or whole files left out because they contradict an earlier file, in words.
    pub(super) conflicts: Vec<String>,
}

/// The most files among which the one that spoils a joined body is looked for.
const MOST_SUSPECTS: usize = 64;

/// Composes what the outcomes leave to be served.
pub(super) fn compose(outcomes: &mut [FileOutcome], settings: &FileSettings) -> Composed {
    let strict = settings.options.strict;
    let lost = |outcome: &FileOutcome| match outcome.last_good {
        // Its last good content stands in for it.
        Some(_) => None,
        None => outcome.error.clone(),
    };
    if strict && let Some(error) = outcomes.iter().find_map(lost) {
        return Composed::failed(error);
    }
    let served: Vec<(PathBuf, LastGood)> = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome.path.clone(), outcome.last_good.clone()?)))
        .collect();
    let total: usize = served
        .iter()
        .map(|(_, last_good)| last_good.body.len())
        .sum();
    if total > settings.limits.max_bytes {
        let max_bytes = settings.limits.max_bytes;
        return Composed::failed(ScrapeError::too_large(&"all files together", max_bytes));
    }
    match served.as_slice() {
        [] => Composed::failed(outcomes.iter().find_map(lost).unwrap_or_else(|| {
            let paths = listed(&settings.paths);
            let names = settings.options.patterns.join(", ");
            let message = format!("{paths} leads to no file (names in directories: {names})");
            ScrapeError::new(Reason::Absent, message)
        })),
        [(_, only)] => Composed {
            answer: Ok(Exposition {
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
                composed.answer = Err(ScrapeError::new(Reason::Malformed, first.clone()));
            }
            composed
        }
    }
}

impl Composed {
    /// Nothing to serve, and why.
    pub(super) fn failed(error: ScrapeError) -> Self {
        Self {
            answer: Err(error),
            duplicates: 0,
            conflicts: Vec::new(),
        }
    }
}

/// Several files as one body; those that cannot be part of it are marked.
fn join_all(
    files: &[(PathBuf, LastGood)],
    outcomes: &mut [FileOutcome],
    validator: &Validator,
) -> Composed {
    let mut attempt = Attempt::at(files, validator);
    let mut conflicts = Vec::new();
    if attempt.answer.is_err() && attempt.conflicts.is_empty() && files.len() <= MOST_SUSPECTS {
        // Each is good by itself and all together are not: find who spoils it.
        let mut last_good = Vec::new();
        for file in files {
            last_good.push(file.clone());
            if let Err(error) = Attempt::at(&last_good, validator).answer {
                last_good.pop();
                let message = format!("{}: with those before it, {error}", file.0.display());
                mark(outcomes, &file.0, error.reason, &message);
                conflicts.push(message);
            }
        }
        attempt = Attempt::at(&last_good, validator);
    }
    for conflict in &attempt.conflicts {
        let message = sentence(conflict);
        mark(
            outcomes,
            Path::new(&conflict.dropped),
            Reason::Malformed,
            &message,
        );
        conflicts.push(message);
    }
    if let (Content::Nothing, Some(first)) = (attempt.content, conflicts.first()) {
        // Not because the files were empty, but because all of them were left out.
        attempt.answer = Err(ScrapeError::new(Reason::Malformed, first.clone()));
    }
    let confirmed = files
        .iter()
        .map(|(_, last_good)| last_good.confirmed_at)
        .min();
    Composed {
        answer: attempt.answer.map(|exposition| Exposition {
            cached_at: confirmed,
            ..exposition
        }),
        duplicates: attempt.duplicates,
        conflicts,
    }
}

/// Files joined, and whether that is as good as what was joined.
struct Attempt {
    answer: ScrapeResult,
    content: Content,
    duplicates: usize,
    conflicts: Vec<Conflict>,
}

/// Whether anything was left after joining.
#[derive(Clone, Copy)]
enum Content {
    Something,
    Nothing,
}

impl Attempt {
    fn at(files: &[(PathBuf, LastGood)], validator: &Validator) -> Self {
        let names = files.iter().map(|(path, _)| path.display().to_string());
        let names: Vec<String> = names.collect();
        let bodies = files.iter().map(|(_, last_good)| &last_good.body[..]);
        let named: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(bodies).collect();
        let joined = join(&named, validator.format());
        Self {
            content: match joined.body.as_slice() {
                [] => Content::Nothing,
                _ => Content::Something,
            },
            answer: validator.validate_now(joined.body.into(), "all files together"),
            duplicates: joined.duplicates,
            conflicts: joined.conflicts,
        }
    }
}

fn mark(outcomes: &mut [FileOutcome], path: &Path, reason: Reason, message: &str) {
    if let Some(outcome) = outcomes.iter_mut().find(|outcome| outcome.path == path) {
        let error = || ScrapeError::new(reason, message);
        outcome.error.get_or_insert_with(error);
    }
}

fn sentence(conflict: &Conflict) -> String {
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
