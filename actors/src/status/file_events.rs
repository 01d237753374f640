//! The changes of single files between two reports about a cache.
//!
//! Pure, and linear in the number of files. Runs outside the lock of the status.

use crate::report::{CacheReport, FileReport};
use crate::scrape::ScrapeError;
use std::collections::HashMap;
use std::path::Path;

/// A change of one file that is logged.
#[derive(Clone, Copy, Debug)]
pub(super) enum FileEvent<'r> {
    /// It has a new error; whether something of it is still served.
    Failed {
        served: bool,
        error: &'r ScrapeError,
    },
    /// It has no error any more.
    Recovered(&'r Path),
}

/// The changes from one report to the next. While no file is served, there are none: the failure
/// of the source is logged instead.
pub(super) fn file_events<'r>(
    before: Option<&CacheReport>,
    now: &'r CacheReport,
) -> Vec<FileEvent<'r>> {
    let before = before.map_or(&[][..], |report| &report.files);
    let is_served = |file: &FileReport| file.served;
    if !now.files.iter().any(is_served) {
        return Vec::new();
    }
    let was_served = before.iter().any(is_served);
    let error_of = |file: &'_ FileReport| file.error.as_ref().map(|error| error.reason);
    let reasons = before
        .iter()
        .filter_map(|file| Some((file.path.as_path(), error_of(file)?)));
    let reasons: HashMap<_, _> = reasons.collect();
    let event = |file: &'r FileReport| {
        let earlier = reasons.get(file.path.as_path());
        match &file.error {
            Some(error) if earlier != Some(&error.reason) => Some(FileEvent::Failed {
                served: file.served,
                error,
            }),
            None if earlier.is_some() && was_served => Some(FileEvent::Recovered(&file.path)),
            _ => None,
        }
    };
    now.files.iter().filter_map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;
    use crate::report::WatchMode;

    fn file(path: &str, error: Option<Reason>) -> FileReport {
        FileReport {
            path: path.into(),
            mtime: None,
            served: error.is_none(),
            error: error.map(|reason| ScrapeError::new(reason, "it")),
            never_closed: false,
        }
    }

    fn report(files: Vec<FileReport>) -> CacheReport {
        CacheReport {
            watching: WatchMode::Events,
            oldest: None,
            files,
            passed_over: Vec::new(),
            duplicate_series: 0,
            duplicates: Vec::new(),
            file_metrics: false,
            conflicts: Vec::new(),
            missing_final_newlines: 0,
        }
    }

    #[test]
    fn an_error_of_one_file_among_others_is_reported_once() {
        let (good, bad) = (file("a", None), file("b", Some(Reason::Malformed)));
        let mut before = None;
        let mut events = |files| {
            let now = report(files);
            let count = file_events(before.as_ref(), &now).len();
            before = Some(now);
            count
        };
        assert_eq!(events(vec![good.clone(), bad.clone()]), 1);
        assert_eq!(events(vec![good.clone(), bad.clone()]), 0);
        assert_eq!(
            events(vec![good.clone(), file("b", Some(Reason::Empty))]),
            1
        );
        assert_eq!(
            events(vec![good.clone(), file("b", None)]),
            1,
            "a recovery is reported"
        );
        assert_eq!(events(vec![good, file("b", None)]), 0);
        assert_eq!(
            events(vec![bad]),
            0,
            "the failure of the source is logged instead"
        );
        assert_eq!(events(vec![file("b", None)]), 0, "and so is its recovery");
    }
}
