//! The files of a selector as one exposition.
//!
//! One file alone passes byte for byte; several are joined into one valid
//! exposition. Blocks, and runs on the blocking pool; it does no I/O.

use super::shelf::{Good, Verdict};
use crate::exposition::{Joined, join};
use crate::gate::Gate;
use crate::scrape::{Answer, Exposition, Reason, ScrapeError};
use local_exporter_config::FileOptions;
use std::path::Path;

/// What the verdicts come to.
#[derive(Debug)]
pub(super) struct Composed {
    pub(super) answer: Answer,
    /// Sample lines left out because an earlier file has their series.
    pub(super) duplicates: usize,
    /// Families or whole files left out because they contradict an earlier file, in words.
    pub(super) conflicts: Vec<String>,
}

/// Composes what the verdicts leave to be served.
pub(super) fn compose(
    verdicts: &mut [Verdict],
    options: &FileOptions,
    gate: &Gate,
    max_bytes: usize,
) -> Composed {
    let failed = |error: ScrapeError| Composed {
        answer: Err(error),
        duplicates: 0,
        conflicts: Vec::new(),
    };
    if options.strict
        && let Some(error) = verdicts.iter().find_map(|verdict| verdict.error.clone())
    {
        return failed(error);
    }
    let served: Vec<(&Path, &Good)> = verdicts
        .iter()
        .filter_map(|verdict| Some((verdict.path.as_path(), verdict.good.as_ref()?)))
        .collect();
    let total: usize = served.iter().map(|(_, good)| good.body.len()).sum();
    if total > max_bytes {
        return failed(ScrapeError::too_large(&"all files together", max_bytes));
    }
    match served.as_slice() {
        [] => {
            let first = verdicts.iter().find_map(|verdict| verdict.error.clone());
            failed(first.unwrap_or_else(|| ScrapeError::new(Reason::Absent, "there are no files")))
        }
        [(_, only)] => Composed {
            answer: Ok(Exposition {
                body: only.body.clone(),
                summary: only.summary,
                cached_at: Some(only.confirmed_at),
            }),
            duplicates: 0,
            conflicts: Vec::new(),
        },
        several => {
            let joined = join_all(several, gate);
            let confirmed = several.iter().map(|(_, good)| good.confirmed_at).min();
            conclude(joined, gate, confirmed, verdicts, options)
        }
    }
}

fn join_all(files: &[(&Path, &Good)], gate: &Gate) -> Joined {
    let names: Vec<String> = files
        .iter()
        .map(|(path, _)| path.display().to_string())
        .collect();
    let bodies = files.iter().map(|(_, good)| &good.body[..]);
    let named: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(bodies).collect();
    join(&named, gate.format())
}

fn conclude(
    joined: Joined,
    gate: &Gate,
    confirmed: Option<tokio::time::Instant>,
    verdicts: &mut [Verdict],
    options: &FileOptions,
) -> Composed {
    let mut conflicts = Vec::new();
    let mut contradiction = None;
    for conflict in &joined.conflicts {
        let family = match conflict.family.as_str() {
            "" => String::new(),
            family => format!("family {family}: "),
        };
        let kept = match conflict.kept.as_str() {
            "" => String::new(),
            kept => format!(" (kept: {kept})"),
        };
        let text = format!("{}: {family}{}{kept}", conflict.dropped, conflict.message);
        let error = ScrapeError::new(Reason::Malformed, text.clone());
        contradiction.get_or_insert_with(|| error.clone());
        let of_file = |verdict: &&mut Verdict| verdict.path.to_string_lossy() == *conflict.dropped;
        if let Some(verdict) = verdicts.iter_mut().find(of_file) {
            verdict.error.get_or_insert(error);
        }
        conflicts.push(text);
    }
    let answer = match contradiction {
        Some(error) if options.strict => Err(error),
        // What is joined must be as good as what was joined.
        _ => gate.judge(joined.body.into(), "all files together"),
    };
    Composed {
        answer: answer.map(|exposition| Exposition {
            cached_at: confirmed,
            ..exposition
        }),
        duplicates: joined.duplicates,
        conflicts,
    }
}
