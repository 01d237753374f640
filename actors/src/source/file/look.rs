//! A look at one file: whether it has changed, whether it is complete, and what is valid of it.
//!
//! A file that is being written is incomplete until its writer closes it, unless its last line is
//! `# EOF`. Until then its last good content stays.

use super::body::{Content, Expected};
use super::contents::Contents;
use super::entry::{CacheEntry, LastGood, Now};
use super::outcome::NewVersion;
use super::read::{Opener, read};
use super::settings::FileSettings;
use super::version::Version;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use crate::source::watch::pending_writes::Progress;
use crate::validator::Validator;
use local_exporter_config::shown;
use std::path::Path;

/// A look at one file.
#[derive(Clone, Copy)]
pub(super) struct Look<'l> {
    pub(super) path: &'l Path,
    pub(super) opener: Opener<'l>,
    pub(super) settings: &'l FileSettings,
    /// What is known about writes to it.
    pub(super) progress: Progress,
    pub(super) now: Now,
}

impl Look<'_> {
    /// The entry of a file that exists. Reads it, unless its entry is up to date or the file is
    /// incomplete.
    pub(super) fn entry(
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
        match before {
            Some(entry) if is_current(&entry) => (entry.confirmed(self.now), NewVersion::No),
            before if !self.is_being_written() => self.read(before, contents),
            before => {
                if self.opener.finds_eof(self.path) {
                    let (entry, new_version) = self.read(before.clone(), contents);
                    if entry.error.is_none() {
                        return (entry, new_version);
                    }
                }
                let entry = CacheEntry::unfinished(before, self.path, self.now);
                (entry, NewVersion::No)
            }
        }
    }

    /// The entry of a file that was not found. One that was removed a moment ago keeps its content:
    /// another may be about to replace it.
    pub(super) fn missing(&self, before: Option<CacheEntry>, error: ScrapeError) -> CacheEntry {
        let awaited = self.progress == Progress::Removed && error.reason == Reason::Absent;
        match before {
            Some(entry) if awaited && entry.last_good.is_some() => entry,
            before => CacheEntry::failed(before, error, self.now),
        }
    }

    fn is_being_written(&self) -> bool {
        matches!(self.progress, Progress::Removed | Progress::UnderWay)
    }

    fn read(
        &self,
        before: Option<CacheEntry>,
        contents: &mut Contents,
    ) -> (CacheEntry, NewVersion) {
        let validator = match self.progress {
            Progress::Finished => self.settings.validator.clone(),
            _ => self.settings.validator.for_incomplete(),
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
        // A file that is read as it is, is read again even if the stamp stays the same.
        let version = Some(version).filter(|_| self.progress != Progress::Overdue);
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
