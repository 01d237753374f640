//! The cache of a source of files: reads each file that has changed since the last scan.
//!
//! The time is passed in, so that tests control it.

use super::body::{Content, Expected};
use super::contents::Contents;
use super::entry::{CacheEntry, LastGood, Now};
use super::expand::Expansion;
use super::origin::{FileState, FoundFile};
use super::outcome::{FileOutcome, NewVersion};
use super::read::{Opener, read};
use super::settings::FileSettings;
use super::version::{Stamp, Version};
use crate::scrape::ScrapeError;
use crate::secret_files::SecretIdentities;
use crate::source::watch::pending_writes::{Progress, WriteSnapshot};
use crate::validator::Validator;
use local_exporter_config::shown;
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
        secrets: &SecretIdentities,
        writes: &WriteSnapshot,
        now: Now,
    ) -> Vec<FileOutcome> {
        let mut entries = std::mem::take(&mut self.0);
        let mut contents = Contents::new(settings.limits.max_bytes);
        let mut outcomes = Vec::with_capacity(expansion.files.len());
        let options = &settings.options;
        for FoundFile {
            path,
            origin,
            state,
        } in &expansion.files
        {
            let before = entries.remove(path);
            let progress = writes.progress_of(expansion.names_of(path));
            let (entry, new_version) = match state {
                FileState::Exists => {
                    let refresh = Refresh {
                        path,
                        opener: Opener { origin, secrets },
                        settings,
                        progress,
                        now,
                    };
                    refresh.entry(before, &mut contents)
                }
                FileState::Failed(error) | FileState::Foreign(error) => {
                    let failed = CacheEntry::failed(before, error.clone(), now);
                    (failed, NewVersion::No)
                }
            };
            let entry = entry.without_expired(options.keep_last_good, now);
            let entry = contents.admit(path, entry, now);
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

/// The refresh of the entry of one file that exists.
#[derive(Clone, Copy)]
struct Refresh<'r> {
    path: &'r Path,
    opener: Opener<'r>,
    settings: &'r FileSettings,
    progress: Progress,
    now: Now,
}

impl Refresh<'_> {
    /// Reads the file, unless its entry is up to date or the file is about to be replaced.
    fn entry(
        &self,
        before: Option<CacheEntry>,
        contents: &mut Contents,
    ) -> (CacheEntry, NewVersion) {
        let is_current = |entry: &CacheEntry| {
            let version = entry.version.as_ref();
            version.is_some_and(|version| {
                version.is_current(self.path) && !version.stamp.is_of(self.opener.secrets)
            })
        };
        let before = match before {
            Some(entry) if is_current(&entry) => {
                return (entry.confirmed(self.now), NewVersion::No);
            }
            Some(entry) if self.progress == Progress::UnderWay && entry.last_good.is_some() => {
                return (entry, NewVersion::No);
            }
            before => before,
        };
        let validator = match self.progress {
            Progress::Finished => self.settings.validator.clone(),
            Progress::UnderWay | Progress::Overdue => self.settings.validator.for_incomplete(),
        };
        let expected = Expected {
            contents,
            previous: before.as_ref().and_then(|entry| entry.last_good.as_ref()),
            validator: &validator,
        };
        match read(self.path, self.opener, expected) {
            Ok((version, content)) => {
                let validated = self.validated(&version, content, &validator, contents);
                self.replaced(before, version, validated)
            }
            Err(error) => (CacheEntry::failed(before, error, self.now), NewVersion::No),
        }
    }

    /// Validates a content, unless this scan knows the result.
    fn validated(
        &self,
        version: &Version,
        content: Content,
        validator: &Validator,
        contents: &mut Contents,
    ) -> Result<LastGood, ScrapeError> {
        let finished = self.progress == Progress::Finished;
        let result = match content {
            Content::Known(result) => return result.map_err(|error| self.same_file(&error)),
            Content::Invalid(error) => Err(error),
            Content::Read(body) => match contents.equal_to(&body) {
                Some(equal) if finished => Ok((equal.body.clone(), equal.summary)),
                _ => {
                    let from = shown(self.path).to_string();
                    let validated = validator.validate_now(body, &from);
                    validated.map(|exposition| (exposition.body, exposition.summary))
                }
            },
        };
        let result = result.map(|(body, summary)| LastGood {
            // Timestamps may have been removed, so that it equals another only now.
            body: contents
                .equal_to(&body)
                .map_or(body.clone(), |equal| equal.body.clone()),
            summary,
            modified: version.modified,
            confirmed_at: self.now.instant,
        });
        if finished {
            contents.remember(version.stamp, result.clone());
        }
        result
    }

    /// The error of a file that another path led to before.
    fn same_file(&self, error: &ScrapeError) -> ScrapeError {
        let (path, message) = (shown(self.path), &error.message);
        ScrapeError::new(error.reason, format!("{path}: the same file as {message}"))
    }

    /// The entry with a version that was read.
    fn replaced(
        &self,
        before: Option<CacheEntry>,
        version: Version,
        validated: Result<LastGood, ScrapeError>,
    ) -> (CacheEntry, NewVersion) {
        let new_version = match before.as_ref().and_then(|entry| entry.version.as_ref()) {
            Some(before) if before.stamp == version.stamp => NewVersion::No,
            _ => NewVersion::Yes,
        };
        // While the write has not ended, the file is read again even if the stamp stays the same.
        let finished = self.progress == Progress::Finished;
        let version = finished.then_some(version);
        let entry = match validated {
            Ok(good) => CacheEntry {
                last_good: Some(good),
                version,
                error: None,
                bad_since: None,
            },
            Err(error) => CacheEntry {
                version,
                ..CacheEntry::failed(before, error, self.now)
            },
        };
        (entry, new_version)
    }
}

#[cfg(test)]
mod tests;
