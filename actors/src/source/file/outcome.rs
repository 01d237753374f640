//! The decision of a scan about one file: serve its current body, the last good one, or none.
//!
//! Pure: reads neither the file nor a clock.

use super::entry::{CacheEntry, LastGood, Now};
use super::error::retry_after;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use local_exporter_config::{FileOptions, shown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The outcome for one file.
#[derive(Debug)]
pub(super) struct FileOutcome {
    pub(super) path: PathBuf,
    pub(super) modified: Option<SystemTime>,
    /// The body that is served, if any.
    pub(super) served: Option<LastGood>,
    /// The reason that the file on disk is not served; `served` is then an earlier version, if any.
    pub(super) error: Option<ScrapeError>,
    /// The time after which the outcome may differ even if the file does not change.
    pub(super) due: Option<Duration>,
    /// Whether this scan read a new version without a final newline.
    pub(super) missing_final_newline: bool,
    /// Whether its writer has kept it open for longer than `refresh`.
    pub(super) never_closed: bool,
}

/// Whether a scan has read a version of a file that was not read before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NewVersion {
    Yes,
    No,
}

impl FileOutcome {
    pub(super) fn new(
        path: &Path,
        entry: &CacheEntry,
        new_version: NewVersion,
        options: &FileOptions,
        now: Now,
    ) -> Self {
        let served = entry.last_good.clone();
        let lacks_newline = |good: &LastGood| good.summary.missing_final_newline;
        let mut outcome = Self {
            path: path.to_owned(),
            modified: match (&served, &entry.version) {
                (Some(good), _) => Some(good.modified),
                (None, version) => version.as_ref().map(|version| version.modified),
            },
            missing_final_newline: new_version == NewVersion::Yes
                && entry.error.is_none()
                && served.as_ref().is_some_and(lacks_newline),
            served,
            error: entry.error.clone(),
            due: None,
            never_closed: false,
        };
        let bad_for = match (&entry.error, entry.bad_since) {
            (Some(error), Some(since)) => {
                let lasted = now.instant.saturating_duration_since(since);
                Some((error.reason, lasted))
            }
            _ => None,
        };
        if let Some((_, lasted)) = bad_for {
            outcome.keep_for(options.keep_last_good.saturating_sub(lasted));
        }
        if let (Some(max_age), Some(good)) = (options.max_age, &outcome.served) {
            // A modification time in the future counts as age zero.
            let age = now.wall.duration_since(good.modified);
            outcome.keep_until_stale(age.unwrap_or_default(), max_age);
        }
        if let Some((Reason::Io, lasted)) = bad_for {
            // No event reports that a shortage is over.
            outcome.decide_again_within(retry_after(lasted));
        }
        outcome
    }

    /// Serves the last good body for the time that is left.
    fn keep_for(&mut self, left: Duration) {
        if left.is_zero() {
            self.served = None;
        } else if self.served.is_some() {
            self.decide_again_within(left);
        }
    }

    /// Serves the body until it is older than `max_age`.
    fn keep_until_stale(&mut self, age: Duration, max_age: Duration) {
        let left = max_age.saturating_sub(age);
        if left.is_zero() {
            let path = shown(&self.path);
            let message = format!("{path} was modified {age:.0?} ago, max_age is {max_age:?}");
            self.error = Some(ScrapeError::new(Reason::Stale, message));
            self.served = None;
            self.due = None;
        } else {
            self.decide_again_within(left);
        }
    }

    fn decide_again_within(&mut self, time: Duration) {
        self.due = Some(self.due.map_or(time, |due| due.min(time)));
    }
}
