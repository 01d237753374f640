//! What is known of each file: its last reading, its last good content, and since when it is bad.
//!
//! Decides which content of a file is served: the current one, the last good
//! one for a while, or none. Reading is done elsewhere; the times are handed in.

use super::FileSettings;
use super::expand::Expansion;
use super::pending_writes::{Progress, WriteSnapshot};
use super::read::{Stamp, Version, read};
use super::retry_after;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use bytes::Bytes;
use local_exporter_config::FileOptions;
use local_exporter_exposition::Summary;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// The files of a source, by path.
#[derive(Clone, Debug, Default)]
pub(super) struct FileCache(HashMap<PathBuf, CacheEntry>);

/// One file as it is known.
#[derive(Clone, Debug)]
struct CacheEntry {
    /// The version that was last read, good or bad.
    version: Option<Version>,
    error: Option<ScrapeError>,
    last_good: Option<LastGood>,
    /// Since when what is on disk is bad.
    bad_since: Option<Instant>,
}

/// Content that passed the gate.
#[derive(Clone, Debug)]
pub(super) struct LastGood {
    pub(super) body: Bytes,
    pub(super) summary: Summary,
    pub(super) modified: SystemTime,
    /// When it was last known to be what is on disk.
    pub(super) confirmed_at: Instant,
}

/// What becomes of one file.
#[derive(Debug)]
pub(super) struct FileOutcome {
    pub(super) path: PathBuf,
    pub(super) modified: Option<SystemTime>,
    /// What is served of it, if anything.
    pub(super) last_good: Option<LastGood>,
    /// What is wrong with it; with content beside it, that is an earlier version.
    pub(super) error: Option<ScrapeError>,
    /// After how long this would be decided differently.
    pub(super) due: Option<Duration>,
    /// Whether it was read just now and lacked its final newline.
    pub(super) missing_final_newline: bool,
}

/// The moment a decision is taken at, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) wall: SystemTime,
}

impl FileCache {
    /// Brings the cache up to date with the files there are; what is gone is forgotten.
    pub(super) fn update(
        &mut self,
        expansion: &Expansion,
        settings: &FileSettings,
        writing: &WriteSnapshot,
        now: Now,
    ) -> Vec<FileOutcome> {
        let mut known = std::mem::take(&mut self.0);
        let mut outcomes = Vec::with_capacity(expansion.files.len());
        for (path, found) in &expansion.files {
            let before = known.remove(path);
            let progress = writing.progress_of(expansion.names_of(path));
            let (file, fresh) = match found {
                Ok(()) => look(path, before, settings, progress, now),
                Err(error) => (CacheEntry::failed(before, error.clone(), now), Fresh::No),
            };
            outcomes.push(file.outcome(path, &settings.options, now, fresh));
            self.0.insert(path.clone(), file);
        }
        outcomes
    }
}

impl FileCache {
    /// The files whose writers may still have been at it when they were read.
    pub(super) fn young(&self) -> Vec<(PathBuf, Stamp)> {
        let young = |(path, known): (&PathBuf, &CacheEntry)| {
            let version = known
                .version
                .as_ref()
                .filter(|version| version.is_young())?;
            Some((path.clone(), version.stamp))
        };
        self.0.iter().filter_map(young).collect()
    }
}

/// Whether a version of the file was read that had not been before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fresh {
    Yes,
    No,
}

/// Reads a file, unless what is known of it is current, or about to be replaced.
fn look(
    path: &Path,
    before: Option<CacheEntry>,
    settings: &FileSettings,
    progress: Progress,
    now: Now,
) -> (CacheEntry, Fresh) {
    let current = |known: &CacheEntry| {
        let version = known.version.as_ref();
        version.is_some_and(|version| version.is_current(path))
    };
    let before = match before {
        Some(known) if current(&known) => return (known.confirmed(now), Fresh::No),
        Some(known) if progress == Progress::UnderWay && known.last_good.is_some() => {
            return (known, Fresh::No);
        }
        before => before,
    };
    let version = match read(path, settings.limits.max_bytes) {
        Ok(version) => version,
        Err(error) => return (CacheEntry::failed(before, error, now), Fresh::No),
    };
    let fresh = match before.as_ref().and_then(|known| known.version.as_ref()) {
        Some(before) if before.stamp == version.stamp => Fresh::No,
        _ => Fresh::Yes,
    };
    let from = path.display().to_string();
    let (validator, version_kept) = match progress {
        Progress::Finished => (settings.validator.clone(), Some(version.clone())),
        // Read again whatever its stamp: the writer is at it still.
        Progress::UnderWay | Progress::Overdue => (settings.validator.for_incomplete(), None),
    };
    let known = match validator.validate_now(version.body, &from) {
        Ok(exposition) => CacheEntry {
            last_good: Some(LastGood {
                body: exposition.body,
                summary: exposition.summary,
                modified: version.modified,
                confirmed_at: now.instant,
            }),
            version: version_kept,
            error: None,
            bad_since: None,
        },
        Err(error) => CacheEntry {
            version: version_kept,
            ..CacheEntry::failed(before, error, now)
        },
    };
    (known, fresh)
}

impl CacheEntry {
    /// Nothing changed on disk.
    fn confirmed(mut self, now: Now) -> Self {
        if let (None, Some(last_good)) = (&self.error, &mut self.last_good) {
            last_good.confirmed_at = now.instant;
        }
        self
    }

    /// Something is wrong with the file now; its last good content may have a while left.
    fn failed(before: Option<Self>, error: ScrapeError, now: Now) -> Self {
        let (last_good, bad_since) = match before {
            // Bytes are there and are bad: half a rewrite looks like that.
            Some(before) if is_passing(error.reason) => (before.last_good, before.bad_since),
            // A file that is gone, or out of reach, is so at once.
            _ => (None, None),
        };
        Self {
            version: None,
            error: Some(error),
            last_good,
            bad_since: bad_since.or(Some(now.instant)),
        }
    }

    fn outcome(&self, path: &Path, options: &FileOptions, now: Now, fresh: Fresh) -> FileOutcome {
        let last_good = self.last_good.clone();
        let mut outcome = FileOutcome {
            path: path.to_owned(),
            modified: match (&last_good, &self.version) {
                (Some(last_good), _) => Some(last_good.modified),
                (None, version) => version.as_ref().map(|version| version.modified),
            },
            missing_final_newline: fresh == Fresh::Yes
                && self.error.is_none()
                && last_good
                    .as_ref()
                    .is_some_and(|last_good| last_good.summary.missing_final_newline),
            last_good,
            error: self.error.clone(),
            due: None,
        };
        if let (Some(_), Some(since)) = (&self.error, self.bad_since) {
            let left = options
                .keep_last_good
                .saturating_sub(now.instant.saturating_duration_since(since));
            outcome.keep_for(left);
        }
        if let (Some(max_age), Some(last_good)) = (options.max_age, &outcome.last_good) {
            // A file from the future is as young as can be.
            let age = now
                .wall
                .duration_since(last_good.modified)
                .unwrap_or_default();
            outcome.keep_while_young(age, max_age);
        }
        if let (Some(Reason::Io), Some(since)) =
            (self.error.as_ref().map(|it| it.reason), self.bad_since)
        {
            // There is no event for what was lacking.
            let lasted = now.instant.saturating_duration_since(since);
            outcome.look_within(retry_after(lasted));
        }
        outcome
    }
}

impl FileOutcome {
    fn keep_for(&mut self, left: Duration) {
        if left.is_zero() {
            self.last_good = None;
        } else if self.last_good.is_some() {
            self.look_within(left);
        }
    }

    fn look_within(&mut self, time: Duration) {
        self.due = Some(self.due.map_or(time, |due| due.min(time)));
    }

    fn keep_while_young(&mut self, age: Duration, max_age: Duration) {
        let left = max_age.saturating_sub(age);
        if left.is_zero() {
            let path = self.path.display();
            let message = format!("{path} was modified {age:.0?} ago, max_age is {max_age:?}");
            self.error = Some(ScrapeError::new(Reason::Stale, message));
            self.last_good = None;
            self.due = None;
        } else {
            self.look_within(left);
        }
    }
}

/// Whether a fault may be that of a file in the middle of being rewritten, or of a busy host.
fn is_passing(reason: Reason) -> bool {
    matches!(
        reason,
        // `io` is what the exporter itself may be short of, such as descriptors.
        Reason::Empty | Reason::Truncated | Reason::Malformed | Reason::Timestamps | Reason::Io
    )
}

#[cfg(test)]
mod tests;
