//! Lists directories by name, each once per scan and set of patterns, within limits.
//!
//! Links may lead to one directory by many paths, so listings are kept by the identity of the
//! directory. Blocks, and opens nothing but directories.

use super::error::failed;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use crate::source::watch::Identity;
use crate::source::watch::pattern::Patterns;
use local_exporter_config::{InspectedFile, shown};
use rustix::fs::Dir;
use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::rc::Rc;

/// The most entries of a directory, files that are not served included.
const MAX_ENTRIES: usize = 100_000;
/// The most entries of all directories together. Listing so many takes about half a second.
const MAX_ENTRIES_IN_TOTAL: usize = 1_000_000;
/// The most names that are kept of those that match no pattern.
const MAX_OTHERS: usize = 100;

/// The names in a directory, sorted.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Those that a pattern covers.
    pub(super) covered: Vec<OsString>,
    /// The first [`MAX_OTHERS`] of all others.
    pub(super) others: BTreeSet<OsString>,
}

/// A directory and the patterns with which it was listed.
type Key = (Identity, usize);

/// The listings of one scan.
#[derive(Debug, Default)]
pub(super) struct Listings {
    /// The patterns are kept, so that their addresses stay unique.
    known: HashMap<Key, (Patterns, Result<Rc<Listing>, ScrapeError>)>,
    entries: usize,
}

impl Listings {
    /// The names in a directory that was inspected.
    ///
    /// # Errors
    /// Those of readdir(3), and `too_large` if there are more than [`MAX_ENTRIES`]: the order of a
    /// directory is arbitrary, so a part of the names would differ between scans.
    pub(super) fn list(
        &mut self,
        found: &InspectedFile,
        directory: &Path,
        patterns: &Patterns,
    ) -> Result<Rc<Listing>, ScrapeError> {
        let identity = Identity {
            device: found.metadata().dev(),
            inode: found.metadata().ino(),
        };
        let key = (identity, patterns.address());
        if let Some((_, known)) = self.known.get(&key) {
            return known.clone();
        }
        let left = MAX_ENTRIES_IN_TOTAL.saturating_sub(self.entries);
        let listed = list(found, directory, patterns, left.min(MAX_ENTRIES));
        let listed = listed.map(|(listing, entries)| {
            self.entries += entries;
            Rc::new(listing)
        });
        self.known.insert(key, (patterns.clone(), listed.clone()));
        listed
    }
}

/// The names in a directory of at most `limit` entries, and the number of entries.
fn list(
    found: &InspectedFile,
    directory: &Path,
    patterns: &Patterns,
    limit: usize,
) -> Result<(Listing, usize), ScrapeError> {
    let failed = |error: io::Error| failed("cannot list", directory, &error);
    let mut listing = Listing::default();
    let mut entries = 0;
    let opened = found.open(directory).map_err(failed)?;
    for entry in Dir::new(opened).map_err(|error| failed(error.into()))? {
        let entry = entry.map_err(|error| failed(error.into()))?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        if entries == limit {
            return Err(too_many(directory, limit));
        }
        entries += 1;
        if patterns.cover(name) {
            listing.covered.push(name.to_owned());
        } else if is_among_first(&listing.others, name) {
            listing.others.insert(name.to_owned());
            if listing.others.len() > MAX_OTHERS {
                listing.others.pop_last();
            }
        }
    }
    listing.covered.sort();
    Ok((listing, entries))
}

/// Whether a name belongs to the first ones that are kept.
fn is_among_first(kept: &BTreeSet<OsString>, name: &OsStr) -> bool {
    kept.len() < MAX_OTHERS || kept.last().is_some_and(|last| name < last.as_os_str())
}

fn too_many(directory: &Path, limit: usize) -> ScrapeError {
    let directory = shown(directory);
    let message = match limit {
        MAX_ENTRIES => format!("{directory} has more than {limit} entries, which is the limit"),
        _ => format!(
            "the directories up to {directory} have more than {MAX_ENTRIES_IN_TOTAL} entries \
             together, which is the limit"
        ),
    };
    ScrapeError::new(Reason::TooLarge, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn three_files() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.prom", "a.prom", "other"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn a_directory_with_too_many_entries_is_an_error_instead_of_a_partial_list() {
        let folder = three_files();
        let patterns = Patterns::new(&["*.prom".to_owned()]);
        let found = InspectedFile::at(folder.path()).unwrap();
        let (listing, entries) = list(&found, folder.path(), &patterns, 3).unwrap();
        assert_eq!((listing.covered.len(), entries), (2, 3));
        let error = list(&found, folder.path(), &patterns, 2).unwrap_err();
        assert_eq!(error.reason, Reason::TooLarge);
        assert!(error.message.contains("entries"), "{error}");
        let error = too_many(folder.path(), MAX_ENTRIES);
        assert!(
            error.message.contains("more than 100000 entries"),
            "{error}"
        );
    }

    #[test]
    fn a_directory_is_listed_once_whatever_paths_lead_to_it() {
        let folder = three_files();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(".", &link).unwrap();
        let patterns = Patterns::new(&["*.prom".to_owned()]);
        let mut listings = Listings::default();
        let mut listed = |path: &Path, patterns: &Patterns| {
            let found = InspectedFile::at(path).unwrap();
            listings.list(&found, path, patterns).unwrap()
        };
        let first = listed(folder.path(), &patterns);
        assert_eq!(first.covered, ["a.prom", "b.prom"]);
        let second = listed(&link, &patterns);
        assert!(Rc::ptr_eq(&first, &second));
        let others = Patterns::new(&["o*".to_owned()]);
        assert_eq!(listed(&link, &others).covered, ["other"]);
    }
}
