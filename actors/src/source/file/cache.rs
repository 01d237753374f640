//! The cache of a source of files: reads each file that has changed since the last scan.
//!
//! The time is passed in, so that tests control it.

use super::contents::Contents;
use super::entry::{CacheEntry, Now};
use super::expand::Expansion;
use super::look::Look;
use super::origin::{FileState, FoundFile, Origin};
use super::outcome::{FileOutcome, NewVersion};
use super::read::Opener;
use super::settings::FileSettings;
use super::version::Stamp;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use crate::secret_files::SecretIdentities;
use crate::source::watch::pending_writes::{Progress, WriteSnapshot};
use local_exporter_config::shown;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// The entries of all files.
#[derive(Clone, Debug, Default)]
pub(super) struct FileCache {
    entries: HashMap<PathBuf, CacheEntry>,
    /// The paths in `entries`, in the order in which they are served.
    order: Vec<PathBuf>,
}

/// The result of updating the cache.
#[derive(Debug, Default)]
pub(super) struct Updated {
    /// The outcome for each file, in their order.
    pub(super) outcomes: Vec<FileOutcome>,
    /// The versions that were read now, and may still have been written then.
    pub(super) young: Vec<(PathBuf, Stamp)>,
}

impl FileCache {
    /// Updates the cache to the files that exist now, and forgets all others. Blocks.
    pub(super) fn update(
        &mut self,
        expansion: &Expansion,
        settings: &FileSettings,
        secrets: &SecretIdentities,
        writes: &WriteSnapshot,
        now: Now,
    ) -> Updated {
        let files = self.with_removed(&expansion.files, writes);
        let mut entries = std::mem::take(&mut self.entries);
        self.order.clear();
        let mut contents = Contents::new(settings.limits.max_bytes);
        let mut updated = Updated::default();
        let options = &settings.options;
        for FoundFile {
            path,
            origin,
            state,
        } in files.iter()
        {
            let before = entries.remove(path);
            let read_before = before.as_ref().and_then(CacheEntry::read_at);
            let look = Look {
                path,
                opener: Opener { origin, secrets },
                settings,
                progress: writes.progress_of(expansion.names_of(path)),
                now,
            };
            let (entry, new_version) = match state {
                FileState::Exists => look.entry(before, &mut contents),
                FileState::Failed(error) | FileState::Foreign(error) => {
                    (look.missing(before, error.clone()), NewVersion::No)
                }
            };
            let entry = entry.without_expired(options.keep_last_good, now);
            let entry = contents.admit(path, entry, now);
            if let Some(version) = &entry.version
                && version.is_young()
                && read_before != Some(version.read_at)
            {
                updated.young.push((path.clone(), version.stamp));
            }
            let mut outcome = FileOutcome::new(path, &entry, new_version, options, now);
            outcome.never_closed = writes.is_never_closed(expansion.names_of(path));
            updated.outcomes.push(outcome);
            self.entries.insert(path.clone(), entry);
            self.order.push(path.clone());
        }
        updated
    }

    /// The files that were found, and in their former places those that were removed a moment ago:
    /// others may be about to replace them.
    fn with_removed<'f>(
        &self,
        found: &'f [FoundFile],
        writes: &WriteSnapshot,
    ) -> Cow<'f, [FoundFile]> {
        let is_removed = |path: &&PathBuf| {
            let entry = self.entries.get(*path);
            entry.is_some_and(|entry| entry.last_good.is_some())
                && writes.progress_of(path.file_name().into_iter()) == Progress::Removed
        };
        if !self.order.iter().any(|path| is_removed(&path)) {
            return Cow::Borrowed(found);
        }
        let known: HashSet<&PathBuf> = found.iter().map(|file| &file.path).collect();
        // The removed files that follow each file; `None` for those before the first one.
        let mut followers: HashMap<Option<&PathBuf>, Vec<FoundFile>> = HashMap::new();
        let mut previous = None;
        for path in &self.order {
            if known.contains(path) {
                previous = Some(path);
            } else if is_removed(&path) {
                let message = format!("{} was removed", shown(path));
                let file = FoundFile {
                    path: path.clone(),
                    origin: Origin::Configured,
                    state: FileState::Failed(ScrapeError::new(Reason::Absent, message)),
                };
                followers.entry(previous).or_default().push(file);
            }
        }
        let mut files = followers.remove(&None).unwrap_or_default();
        for file in found {
            files.push(file.clone());
            files.extend(followers.remove(&Some(&file.path)).unwrap_or_default());
        }
        Cow::Owned(files)
    }
}

#[cfg(test)]
mod tests;
