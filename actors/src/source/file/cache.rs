//! The cache of a source of files: reads each file that has changed since the last scan.
//!
//! The time is passed in, so that tests control it.

use super::entry::{CacheEntry, LastGood, Now};
use super::expand::Expansion;
use super::outcome::{FileOutcome, NewVersion};
use super::read::{Stamp, read};
use super::settings::FileSettings;
use crate::source::watch::pending_writes::{Progress, WriteSnapshot};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Entries by the path of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct FileCache(HashMap<PathBuf, CacheEntry>);

impl FileCache {
    /// Updates the cache to the files that exist now, and forgets all others. Returns the outcome
    /// for each file, in their order. Blocks.
    pub(super) fn update(
        &mut self,
        expansion: &Expansion,
        settings: &FileSettings,
        writes: &WriteSnapshot,
        now: Now,
    ) -> Vec<FileOutcome> {
        let mut entries = std::mem::take(&mut self.0);
        let mut outcomes = Vec::with_capacity(expansion.files.len());
        for (path, found) in &expansion.files {
            let before = entries.remove(path);
            let progress = writes.progress_of(expansion.names_of(path));
            let (entry, new_version) = match found {
                Ok(()) => refresh(path, before, settings, progress, now),
                Err(error) => {
                    let failed = CacheEntry::failed(before, error.clone(), now);
                    (failed, NewVersion::No)
                }
            };
            let options = &settings.options;
            outcomes.push(FileOutcome::new(path, &entry, new_version, options, now));
            self.0.insert(path.clone(), entry);
        }
        outcomes
    }

    /// The files that may still have been written when they were read.
    pub(super) fn young(&self) -> Vec<(PathBuf, Stamp)> {
        let young = |(path, entry): (&PathBuf, &CacheEntry)| {
            let version = entry.version.as_ref()?;
            version.is_young().then(|| (path.clone(), version.stamp))
        };
        self.0.iter().filter_map(young).collect()
    }
}

/// Reads a file, unless its entry is up to date or the file is about to be replaced.
fn refresh(
    path: &Path,
    before: Option<CacheEntry>,
    settings: &FileSettings,
    progress: Progress,
    now: Now,
) -> (CacheEntry, NewVersion) {
    let is_current = |entry: &CacheEntry| {
        let version = entry.version.as_ref();
        version.is_some_and(|version| version.is_current(path))
    };
    let before = match before {
        Some(entry) if is_current(&entry) => return (entry.confirmed(now), NewVersion::No),
        Some(entry) if progress == Progress::UnderWay && entry.last_good.is_some() => {
            return (entry, NewVersion::No);
        }
        before => before,
    };
    let version = match read(path, settings.limits.max_bytes) {
        Ok(version) => version,
        Err(error) => return (CacheEntry::failed(before, error, now), NewVersion::No),
    };
    let new_version = match before.as_ref().and_then(|entry| entry.version.as_ref()) {
        Some(before) if before.stamp == version.stamp => NewVersion::No,
        _ => NewVersion::Yes,
    };
    let (validator, kept) = match progress {
        Progress::Finished => (settings.validator.clone(), Some(version.clone())),
        // Read again even if the stamp stays the same, since the write has not ended.
        Progress::UnderWay | Progress::Overdue => (settings.validator.for_incomplete(), None),
    };
    let from = path.display().to_string();
    let entry = match validator.validate_now(version.body, &from) {
        Ok(exposition) => CacheEntry {
            last_good: Some(LastGood {
                body: exposition.body,
                summary: exposition.summary,
                modified: version.modified,
                confirmed_at: now.instant,
            }),
            version: kept,
            error: None,
            bad_since: None,
        },
        Err(error) => CacheEntry {
            version: kept,
            ..CacheEntry::failed(before, error, now)
        },
    };
    (entry, new_version)
}

#[cfg(test)]
mod tests;
