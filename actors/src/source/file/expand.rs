//! From configured paths to files: lists directories and expands patterns.
//!
//! Blocks, and opens no file. Limits the directories, names and links that one scan follows. Also returns the files that were passed over, with
//! the reason, and the directories in which a change would alter the result.

use super::error::failed;
use super::listing::Listings;
use crate::host::path_walk;
use crate::reason::Reason;
use crate::report::PassedOver;
use crate::scrape::ScrapeError;
use crate::source::watch::pattern::{Patterns, is_pattern, split};
use crate::source::watch::{Interest, Targets};
use local_exporter_config::shown;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The most files of one selector.
pub(super) const MAX_FILES: usize = 4096;
/// The most directories that the patterns of one scan lead through: links to directories can make
/// any number of paths of a few entries.
const MAX_DIRECTORIES: usize = 4096;
/// The most names that they match in these directories.
const MAX_MATCHES: usize = 100_000;
/// The most links that are followed to watch the directories behind them.
const MAX_LINKS: usize = 16_384;
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
    listings: Listings,
    /// The number of directories that patterns have led through, and of names matched there.
    directories: usize,
    matches: usize,
    /// The number of links that were followed.
    links: usize,
}

/// A component of a path with wildcards.
#[derive(Debug)]
enum Part {
    Name(String),
    Pattern(Patterns),
}

/// A pattern leads to more than it may.
#[derive(Clone, Copy, Debug)]
struct TooMany;

impl Part {
    fn new(text: &String) -> Self {
        match is_pattern(text) {
            true => Self::Pattern(Patterns::new(std::slice::from_ref(text))),
            false => Self::Name(text.clone()),
        }
    }
}

/// Expands `paths` as the file system is now.
pub(super) fn expand(paths: &[PathBuf], patterns: &Patterns) -> Expansion {
    let mut expansion = Expansion::default();
    for path in paths {
        if path.to_str().is_some_and(is_pattern) {
            let (base, rest) = split(path);
            let parts: Vec<Part> = rest.iter().map(Part::new).collect();
            if expansion.expand_pattern(&base, &parts, patterns).is_err() {
                expansion.push(path.clone(), Err(too_many(path)));
            }
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
        let listing = match self.listings.list(directory, patterns) {
            Ok(listing) => listing,
            Err(error) => return self.push(directory.to_owned(), Err(error)),
        };
        for name in &listing.covered {
            if self.files.len() > MAX_FILES {
                break;
            }
            self.push(directory.join(name), Ok(()));
        }
        for name in &listing.others {
            self.pass_over(directory, name);
        }
    }

    /// Adds the files that the components of a pattern match, from `directory` on. It is no error
    /// if there are none.
    fn expand_pattern(
        &mut self,
        directory: &Path,
        parts: &[Part],
        patterns: &Patterns,
    ) -> Result<(), TooMany> {
        let is_directory = directory.is_dir();
        if is_directory {
            self.directories += 1;
            if self.directories > MAX_DIRECTORIES {
                return Err(TooMany);
            }
        }
        match parts.split_first() {
            None if is_directory => self.list(directory, patterns),
            None => self.push(directory.to_owned(), Ok(())),
            Some((Part::Name(name), rest)) => {
                let next = directory.join(name);
                self.targets.add_parent_of(&next);
                if next.exists() {
                    return self.expand_pattern(&next, rest, patterns);
                }
            }
            Some(_) if !is_directory => self.targets.add_parent_of(directory),
            Some((Part::Pattern(pattern), rest)) => {
                self.targets.add(directory, Interest::in_patterns(pattern));
                match self.listings.list(directory, pattern) {
                    Ok(listing) => {
                        self.matches += listing.covered.len();
                        if self.matches > MAX_MATCHES {
                            return Err(TooMany);
                        }
                        for name in &listing.covered {
                            self.expand_pattern(&directory.join(name), rest, patterns)?;
                        }
                    }
                    Err(error) => self.push(directory.to_owned(), Err(error)),
                }
            }
        }
        Ok(())
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
        if self.links > MAX_LINKS || !path.is_symlink() {
            return;
        }
        let mut names = Vec::new();
        let links = path_walk::walk(path).links;
        self.links += links.len();
        for link in links
            .into_iter()
            .filter(|link| link.rest.as_os_str().is_empty())
        {
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

fn too_many(pattern: &Path) -> ScrapeError {
    let pattern = shown(pattern);
    let message = format!(
        "{pattern} leads through more than {MAX_DIRECTORIES} directories or {MAX_MATCHES} names \
         in them, which is the limit"
    );
    ScrapeError::new(Reason::TooLarge, message)
}

#[cfg(test)]
mod tests;
