//! From configured paths to files: directories are listed, patterns are followed.
//!
//! Everything here blocks and runs on the blocking pool. It opens no file; it
//! says which there are, which were passed over and why, and in which
//! directories a change would matter.

use super::pattern::{Patterns, is_pattern, split};
use super::watch::{Interest, Target, Targets, identity};
use crate::host::{filesystem, path_walk};
use crate::reason::Reason;
use crate::report::PassedOver;
use crate::scrape::ScrapeError;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// The most files that one selector may have.
pub(super) const MOST_FILES: usize = 4096;
/// The most directories that one selector has watched; beyond, the timer has to do.
pub(super) const MOST_TARGETS: usize = 1024;
/// The most names in a directory: it may be full of other files, which are
/// looked at, but not without end.
const MOST_NAMES: usize = 100_000;
/// The most files that are told to have been passed over.
const MOST_PASSED_OVER: usize = 100;

/// What the configured paths come to.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    /// The files in the order they are served: that of the paths, then by name.
    /// A path that leads to no file stands here with the reason.
    pub(super) files: Vec<(PathBuf, Result<(), ScrapeError>)>,
    pub(super) targets: Targets,
    pub(super) passed_over: Vec<PassedOver>,
    /// The paths that `files` has already.
    known: HashSet<PathBuf>,
    /// Where among the watched `targets` a directory is.
    watched: HashMap<PathBuf, usize>,
    /// The names that links lead over, by the path of the file that is such a link.
    further_names: HashMap<PathBuf, Vec<OsString>>,
}

/// Looks up what `paths` come to now.
pub(super) fn expand(paths: &[PathBuf], patterns: &Patterns) -> Expansion {
    let mut expansion = Expansion::default();
    for path in paths {
        if path.to_str().is_some_and(is_pattern) {
            let (base, rest) = split(path);
            expansion.follow(&base, &rest, patterns);
        } else {
            expansion.add(path, patterns);
        }
    }
    // Last, since there may be many: what is configured is watched before.
    for index in 0..expansion.files.len() {
        expansion.follow_links(index);
    }
    expansion
}

impl Expansion {
    /// A path that must lead somewhere.
    fn add(&mut self, path: &Path, patterns: &Patterns) {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.list(path, patterns),
            Ok(_) => {
                self.watch_for(path);
                self.push(path.to_owned(), Ok(()));
            }
            Err(error) => {
                self.watch_for(path);
                self.push(
                    path.to_owned(),
                    Err(super::failed("cannot look at", path, &error)),
                );
            }
        }
    }

    /// The files of a directory whose names are served.
    fn list(&mut self, directory: &Path, patterns: &Patterns) {
        self.watch(directory, Interest::in_patterns(patterns));
        let names = match names(directory, MOST_NAMES) {
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

    /// The files that the components of a pattern lead to from `directory`;
    /// that there are none is no failure of any of them.
    fn follow(&mut self, directory: &Path, rest: &[String], patterns: &Patterns) {
        let Some((component, rest)) = rest.split_first() else {
            if directory.is_dir() {
                return self.list(directory, patterns);
            }
            return self.push(directory.to_owned(), Ok(()));
        };
        if !is_pattern(component) {
            let next = directory.join(component);
            self.watch_for(&next);
            if next.exists() {
                self.follow(&next, rest, patterns);
            }
            return;
        }
        if !directory.is_dir() {
            return self.watch_for(directory);
        }
        let pattern = Patterns::new(std::slice::from_ref(component));
        self.watch(directory, Interest::in_patterns(&pattern));
        match names(directory, MOST_NAMES) {
            Ok(names) => {
                let covered = names.iter().filter(|name| pattern.cover(name));
                for name in covered.cloned().collect::<Vec<_>>() {
                    self.follow(&directory.join(name), rest, patterns);
                }
            }
            Err(error) => self.push(directory.to_owned(), Err(error)),
        }
    }

    /// Adds a file once, however many paths lead to it. One file too many is
    /// enough to know that there are too many.
    fn push(&mut self, path: PathBuf, found: Result<(), ScrapeError>) {
        if self.files.len() <= MOST_FILES && self.known.insert(path.clone()) {
            self.files.push((path, found));
        }
    }

    /// Watches each directory that the links of a file lead to, and notes the names there: what is
    /// behind a link changes under those.
    fn follow_links(&mut self, index: usize) {
        let Some((path, _)) = self.files.get(index) else {
            return;
        };
        // Most files are no links, and a walk looks up every component.
        if !path.is_symlink() {
            return;
        }
        let path = path.clone();
        let mut further = Vec::new();
        let links = path_walk::walk(&path).links.into_iter();
        for link in links.filter(|link| link.rest.as_os_str().is_empty()) {
            let destination = link.destination();
            further.extend(destination.file_name().map(OsStr::to_owned));
            self.watch_for(&destination);
        }
        if !further.is_empty() {
            self.further_names.insert(path, further);
        }
    }

    /// The name of a file, and those that it leads over if it is a link.
    pub(super) fn names_of<'e>(&'e self, path: &'e Path) -> impl Iterator<Item = &'e OsStr> {
        let further = self.further_names.get(path).into_iter().flatten();
        path.file_name()
            .into_iter()
            .chain(further.map(OsString::as_os_str))
    }

    fn pass_over(&mut self, directory: &Path, name: &OsStr) {
        if self.passed_over.len() < MOST_PASSED_OVER {
            let why = if name.as_encoded_bytes().starts_with(b".") {
                "its name begins with a dot"
            } else if name.to_str().is_none() {
                "its name is no UTF-8"
            } else {
                "its name matches no pattern"
            };
            let path = directory.join(name);
            self.passed_over.push(PassedOver { path, why });
        }
    }

    fn watch(&mut self, directory: &Path, interest: Interest) {
        if let Some(target) = self.watched.get(directory) {
            if let Some(target) = self.targets.watched.get_mut(*target) {
                target.interest.add(interest);
            }
            return;
        }
        let Ok(identity) = identity(directory) else {
            return;
        };
        let targets = &mut self.targets;
        if targets.watched.len() == MOST_TARGETS {
            targets.beyond.get_or_insert_with(|| directory.to_owned());
            return;
        }
        self.watched
            .insert(directory.to_owned(), targets.watched.len());
        targets.watched.push(Target {
            directory: directory.to_owned(),
            identity,
            interest,
            without_events: filesystem::without_events(directory),
        });
    }

    /// Watches for the name of `path` in its parent; where that is missing, in
    /// the nearest ancestor for the name that would lead on.
    fn watch_for(&mut self, path: &Path) {
        let mut path = path;
        while let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
            if parent.is_dir() {
                return self.watch(parent, Interest::in_name(name));
            }
            path = parent;
        }
    }
}

/// The names in a directory, sorted; all of them or, if there are more than `most`, an error: which
/// ones would be missing is a matter of chance.
fn names(directory: &Path, most: usize) -> Result<BTreeSet<OsString>, ScrapeError> {
    let failed = |error: io::Error| super::failed("cannot list", directory, &error);
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        if names.len() == most {
            let directory = directory.display();
            let message = format!("{directory} holds over {most} names: too many to look at each");
            return Err(ScrapeError::new(Reason::TooLarge, message));
        }
        names.insert(entry.map_err(failed)?.file_name());
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
