//! From configured paths to files: lists directories and expands patterns.
//!
//! Blocks, and opens no file. Also returns the files that were passed over, with
//! the reason, and the directories in which a change would alter the result.

use super::error::failed;
use crate::host::path_walk;
use crate::reason::Reason;
use crate::report::PassedOver;
use crate::scrape::ScrapeError;
use crate::source::watch::pattern::{Patterns, is_pattern, split};
use crate::source::watch::{Interest, Targets};
use local_exporter_config::shown;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// The most files of one selector.
pub(super) const MAX_FILES: usize = 4096;
/// The most entries of a directory, files that are not served included.
const MAX_ENTRIES: usize = 100_000;
/// The most files that are reported as passed over.
const MAX_PASSED_OVER: usize = 100;

/// The files that the configured paths lead to.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    /// The files in the order in which they are served: by configured path, then by name. A path
    /// that leads to no file is listed with its error.
    pub(super) files: Vec<(PathBuf, Result<(), ScrapeError>)>,
    pub(super) targets: Targets,
    pub(super) passed_over: Vec<PassedOver>,
    /// The paths in `files`.
    known: HashSet<PathBuf>,
    /// For each file that is a link, the names of the files that the link leads through.
    link_names: HashMap<PathBuf, Vec<OsString>>,
}

/// Expands `paths` as the file system is now.
pub(super) fn expand(paths: &[PathBuf], patterns: &Patterns) -> Expansion {
    let mut expansion = Expansion::default();
    for path in paths {
        if path.to_str().is_some_and(is_pattern) {
            let (base, rest) = split(path);
            expansion.expand_pattern(&base, &rest, patterns);
        } else {
            expansion.add(path, patterns);
        }
    }
    // Links last, since there may be many: configured directories take precedence.
    for index in 0..expansion.files.len() {
        expansion.follow_links(index);
    }
    expansion
}

impl Expansion {
    /// Adds a path without a wildcard, which must exist.
    fn add(&mut self, path: &Path, patterns: &Patterns) {
        let found = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return self.list(path, patterns),
            Ok(_) => Ok(()),
            Err(error) => Err(failed("cannot access", path, &error)),
        };
        self.targets.add_parent_of(path);
        self.push(path.to_owned(), found);
    }

    /// Adds the files of a directory whose names match.
    fn list(&mut self, directory: &Path, patterns: &Patterns) {
        self.targets.add(directory, Interest::in_patterns(patterns));
        let names = match names(directory, MAX_ENTRIES) {
            Ok(names) => names,
            Err(error) => return self.push(directory.to_owned(), Err(error)),
        };
        for name in names {
            if patterns.cover(&name) {
                self.push(directory.join(&name), Ok(()));
            } else {
                self.pass_over(directory, &name);
            }
        }
    }

    /// Adds the files that the components of a pattern match, from `directory` on. It is no error
    /// if there are none.
    fn expand_pattern(&mut self, directory: &Path, rest: &[String], patterns: &Patterns) {
        let Some((component, rest)) = rest.split_first() else {
            if directory.is_dir() {
                return self.list(directory, patterns);
            }
            return self.push(directory.to_owned(), Ok(()));
        };
        if !is_pattern(component) {
            let next = directory.join(component);
            self.targets.add_parent_of(&next);
            if next.exists() {
                self.expand_pattern(&next, rest, patterns);
            }
            return;
        }
        if !directory.is_dir() {
            return self.targets.add_parent_of(directory);
        }
        let pattern = Patterns::new(std::slice::from_ref(component));
        self.targets.add(directory, Interest::in_patterns(&pattern));
        match names(directory, MAX_ENTRIES) {
            Ok(names) => {
                for name in names.iter().filter(|name| pattern.cover(name)) {
                    self.expand_pattern(&directory.join(name), rest, patterns);
                }
            }
            Err(error) => self.push(directory.to_owned(), Err(error)),
        }
    }

    /// Adds a file unless another path led to it before. One file more than the limit is enough
    /// to detect that there are too many.
    fn push(&mut self, path: PathBuf, found: Result<(), ScrapeError>) {
        if self.files.len() <= MAX_FILES && self.known.insert(path.clone()) {
            self.files.push((path, found));
        }
    }

    /// For a file that is a link, watches each directory that the link leads through: writes to
    /// the real file cause events there, under the names that are recorded here.
    fn follow_links(&mut self, index: usize) {
        let Some((path, _)) = self.files.get(index) else {
            return;
        };
        // Most files are no links, and a walk looks up every component.
        if !path.is_symlink() {
            return;
        }
        let mut names = Vec::new();
        let links = path_walk::walk(path).links.into_iter();
        for link in links.filter(|link| link.rest.as_os_str().is_empty()) {
            let destination = link.destination();
            names.extend(destination.file_name().map(OsStr::to_owned));
            self.targets.add_parent_of(&destination);
        }
        if !names.is_empty() {
            self.link_names.insert(path.clone(), names);
        }
    }

    /// The name of a file, and the names that it leads through if it is a link.
    pub(super) fn names_of<'e>(&'e self, path: &'e Path) -> impl Iterator<Item = &'e OsStr> {
        let further = self.link_names.get(path).into_iter().flatten();
        path.file_name()
            .into_iter()
            .chain(further.map(OsString::as_os_str))
    }

    fn pass_over(&mut self, directory: &Path, name: &OsStr) {
        if self.passed_over.len() < MAX_PASSED_OVER {
            let why = if name.as_encoded_bytes().starts_with(b".") {
                "its name begins with a dot"
            } else if name.to_str().is_none() {
                "its name is not valid UTF-8"
            } else {
                "its name matches no pattern"
            };
            let path = directory.join(name);
            self.passed_over.push(PassedOver { path, why });
        }
    }
}

/// The names in a directory, sorted.
///
/// # Errors
/// If there are more than `limit`: the order of a directory is arbitrary, so a part of the names
/// would differ between scans.
fn names(directory: &Path, limit: usize) -> Result<BTreeSet<OsString>, ScrapeError> {
    let failed = |error: io::Error| failed("cannot list", directory, &error);
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        if names.len() == limit {
            let directory = shown(directory);
            let message = format!("{directory} has more than {limit} entries, which is the limit");
            return Err(ScrapeError::new(Reason::TooLarge, message));
        }
        names.insert(entry.map_err(failed)?.file_name());
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
