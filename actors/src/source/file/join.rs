//! Joins the contents of several files into one valid body.
//!
//! Reads every content a fixed number of times: contents that occur in many files are joined once.

use super::entry::LastGood;
use super::settings::FileSettings;
use crate::reason::Reason;
use crate::scrape::{ScrapeError, ScrapeResult};
use crate::validator::Validator;
use local_exporter_config::shown;
use local_exporter_exposition::{Conflict, Duplicate, join};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// The most files among which to search for the one that makes a joined body invalid.
const MAX_SUSPECTS: usize = 64;

/// The most duplicates that are listed.
const MAX_DUPLICATES: usize = 100;

/// The name of a joined body in messages.
const ALL_FILES: &str = "all files together";

/// Several files as one body.
#[derive(Clone, Debug)]
pub(super) struct JoinedFiles {
    pub(super) result: ScrapeResult,
    /// Sample lines left out because an earlier file has the same series.
    pub(super) duplicates: usize,
    /// One message for each of the first of these series.
    pub(super) duplicate_series: Vec<String>,
    /// One message for each family or file that was left out because it contradicts an earlier
    /// file.
    pub(super) conflicts: Vec<String>,
    /// The errors of files that cannot be part of it, by the path of the file.
    pub(super) errors: Vec<(PathBuf, ScrapeError)>,
}

impl JoinedFiles {
    /// A result of which nothing is left out.
    pub(super) fn of(result: ScrapeResult) -> Self {
        Self {
            result,
            duplicates: 0,
            duplicate_series: Vec::new(),
            conflicts: Vec::new(),
            errors: Vec::new(),
        }
    }
}

/// Joins several files into one body.
pub(super) fn join_all(served: &[(PathBuf, LastGood)], settings: &FileSettings) -> JoinedFiles {
    let validator = &settings.validator;
    let Distinct { files, copies } = Distinct::of(served, settings.limits.max_bytes);
    let mut errors = Vec::new();
    let mut attempt = Attempt::new(&files, validator);
    let mut conflicts = Vec::new();
    if attempt.result.is_err() && attempt.conflicts.is_empty() && files.len() <= MAX_SUSPECTS {
        // Each file is valid, but all together are not: find those that make the body invalid.
        let mut valid = Vec::new();
        for file in &files {
            valid.push(file.clone());
            if let Err(error) = Attempt::new(&valid, validator).result {
                valid.pop();
                let message = format!("{}: together with earlier files, {error}", shown(&file.0));
                let error = ScrapeError::new(error.reason, message.as_str());
                errors.push((file.0.clone(), error));
                conflicts.push(message);
            }
        }
        attempt = Attempt::new(&valid, validator);
    }
    for conflict in &attempt.conflicts {
        let message = describe(conflict);
        let error = ScrapeError::new(Reason::Malformed, message.as_str());
        errors.push((PathBuf::from(&conflict.dropped), error));
        conflicts.push(message);
    }
    if let (Content::Nothing, Some(first)) = (attempt.content, conflicts.first()) {
        // The body is empty because every file was left out, not because the files are empty.
        attempt.result = Err(ScrapeError::new(Reason::Malformed, first.clone()));
    }
    let first_errors = errors_by_body(&files, &errors);
    for (path, good) in &copies {
        if let Some(error) = first_errors.get(&good.body.as_ptr()) {
            let message = format!("{}: the same contents as {}", shown(path), error.message);
            errors.push((path.clone(), ScrapeError::new(error.reason, message)));
        }
    }
    let mut duplicate_series: Vec<String> = attempt
        .duplicate_series
        .iter()
        .map(describe_duplicate)
        .collect();
    duplicate_series.extend(copies.iter().map(describe_copy));
    duplicate_series.truncate(MAX_DUPLICATES);
    let copied = copies.iter().map(|(_, good)| good.summary.samples);
    JoinedFiles {
        duplicate_series,
        result: attempt.result,
        duplicates: attempt.duplicates + copied.sum::<usize>(),
        conflicts,
        errors,
    }
}

/// The first error of each file, by the address of its body.
fn errors_by_body(
    files: &[(PathBuf, LastGood)],
    errors: &[(PathBuf, ScrapeError)],
) -> HashMap<*const u8, ScrapeError> {
    let bodies = files.iter().map(|(path, good)| (path, good.body.as_ptr()));
    let bodies: HashMap<_, _> = bodies.collect();
    let errors = errors.iter().rev();
    let of_body = errors.filter_map(|(path, error)| Some((*bodies.get(path)?, error.clone())));
    of_body.collect()
}

/// The files to join, without copies if these would exceed the limit of the input.
struct Distinct {
    files: Vec<(PathBuf, LastGood)>,
    /// Files with the content of an earlier one, so that all of their series are duplicates.
    copies: Vec<(PathBuf, LastGood)>,
}

impl Distinct {
    fn of(served: &[(PathBuf, LastGood)], max_bytes: usize) -> Self {
        let sizes = served.iter().map(|(_, good)| good.body.len());
        let total = sizes.fold(0, usize::saturating_add);
        let mut known = HashSet::new();
        let is_first = |(_, good): &(PathBuf, LastGood)| known.insert(good.body.as_ptr());
        let (files, copies) = match total <= max_bytes {
            true => (served.to_vec(), Vec::new()),
            false => served.iter().cloned().partition(is_first),
        };
        Self { files, copies }
    }
}

/// The result of joining some files and validating their body.
struct Attempt {
    result: ScrapeResult,
    content: Content,
    duplicates: usize,
    duplicate_series: Vec<Duplicate>,
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
        let names = files
            .iter()
            .map(|(path, _)| path.to_string_lossy().into_owned());
        let names: Vec<String> = names.collect();
        let bodies = files.iter().map(|(_, good)| &good.body[..]);
        let named: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(bodies).collect();
        let joined = join(&named, validator.join_rules());
        Self {
            content: match joined.body.as_slice() {
                [] => Content::Nothing,
                _ => Content::Something,
            },
            result: validator.validate_now(joined.body.into(), ALL_FILES),
            duplicates: joined.duplicates,
            duplicate_series: joined.duplicate_series,
            conflicts: joined.conflicts,
        }
    }
}

fn describe(conflict: &Conflict) -> String {
    let family = match conflict.family.as_str() {
        "" => String::new(),
        family => format!("family {family}: "),
    };
    let kept = match conflict.kept.as_str() {
        "" => String::new(),
        kept => format!(" (kept: {})", shown(kept)),
    };
    let dropped = shown(&conflict.dropped);
    format!("{dropped}: {family}{}{kept}", conflict.message)
}

fn describe_duplicate(duplicate: &Duplicate) -> String {
    let Duplicate {
        dropped,
        kept,
        series,
    } = duplicate;
    match dropped == kept {
        true => format!("{}: {series} occurs more than once", shown(dropped)),
        false => format!("{}: {series} (kept: {})", shown(dropped), shown(kept)),
    }
}

fn describe_copy((path, good): &(PathBuf, LastGood)) -> String {
    let samples = good.summary.samples;
    let path = shown(path);
    format!("{path}: all {samples} series, because an earlier file has the same contents")
}
