//! From configured paths to files: lists directories and expands patterns.
//!
//! Blocks, and opens directories, but no file. Limits the directories, names and links that one scan follows. Also returns the files that were passed over, with
//! the reason, and the directories in which a change would alter the result.

use super::error::failed;
use super::listing::{Listing, Listings};
use super::origin::{FileState, FoundFile, InspectError, Origin};
use crate::host::path_walk;
use crate::reason::Reason;
use crate::report::PassedOver;
use crate::scrape::ScrapeError;
use crate::source::watch::pattern::{Patterns, is_pattern, split};
use crate::source::watch::{Interest, Targets};
use local_exporter_config::{FollowLinks, InspectedFile, shown};
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::rc::Rc;

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
    /// The files in the order in which they are served: by configured path, then by name.
    pub(super) files: Vec<FoundFile>,
    pub(super) targets: Targets,
    pub(super) passed_over: Vec<PassedOver>,
    follow: FollowLinks,
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
pub(super) fn expand(paths: &[PathBuf], patterns: &Patterns, follow: FollowLinks) -> Expansion {
    let mut expansion = Expansion {
        follow,
        ..Expansion::default()
    };
    for path in paths {
        if path.to_str().is_some_and(is_pattern) {
            let (base, rest) = split(path);
            let parts: Vec<Part> = rest.iter().map(Part::new).collect();
            let (origin, expanded) = (Origin::Configured, &mut expansion);
            if expanded
                .expand_pattern(&base, &origin, &parts, patterns)
                .is_err()
            {
                let state = FileState::Failed(too_many(path));
                expansion.push(path.clone(), origin, state);
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
        let state = match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return self.list(path, &Origin::Configured, patterns);
            }
            Ok(_) => FileState::Exists,
            Err(error) => FileState::Failed(failed("cannot access", path, &error)),
        };
        self.targets.add_parent_of(path);
        self.push(path.to_owned(), Origin::Configured, state);
    }

    /// Adds the files of a directory whose names match.
    fn list(&mut self, directory: &Path, origin: &Origin, patterns: &Patterns) {
        let below = origin.below(directory, self.follow);
        let listing = self.names(directory, origin, patterns);
        for name in &listing.covered {
            if self.files.len() > MAX_FILES {
                break;
            }
            self.push(directory.join(name), below.clone(), FileState::Exists);
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
        origin: &Origin,
        parts: &[Part],
        patterns: &Patterns,
    ) -> Result<(), TooMany> {
        let Some(found) = self.inspect(directory, origin) else {
            return Ok(());
        };
        let is_directory = found.is_ok_and(|found| found.metadata().is_dir());
        if is_directory {
            self.directories += 1;
            if self.directories > MAX_DIRECTORIES {
                return Err(TooMany);
            }
        }
        let below = origin.below(directory, self.follow);
        match parts.split_first() {
            None if is_directory => self.list(directory, origin, patterns),
            None => self.push(directory.to_owned(), origin.clone(), FileState::Exists),
            Some((Part::Name(name), rest)) => {
                let next = directory.join(name);
                self.targets.add_parent_of(&next);
                if next.exists() {
                    return self.expand_pattern(&next, &below, rest, patterns);
                }
            }
            Some(_) if !is_directory => self.targets.add_parent_of(directory),
            Some((Part::Pattern(pattern), rest)) => {
                let listing = self.names(directory, origin, pattern);
                self.matches += listing.covered.len();
                if self.matches > MAX_MATCHES {
                    return Err(TooMany);
                }
                for name in &listing.covered {
                    self.expand_pattern(&directory.join(name), &below, rest, patterns)?;
                }
            }
        }
        Ok(())
    }

    /// The names in a directory, which is watched for those that match. None if it cannot be listed,
    /// which is then an error.
    fn names(&mut self, directory: &Path, origin: &Origin, patterns: &Patterns) -> Rc<Listing> {
        let Some(found) = self.inspect(directory, origin) else {
            return Rc::default();
        };
        self.targets.add(directory, Interest::in_patterns(patterns));
        let listing = found
            .map_err(|error| error.into_scrape_error("cannot list", directory))
            .and_then(|found| self.listings.list(&found, directory, patterns));
        listing.unwrap_or_else(|error| {
            let state = FileState::Failed(error);
            self.push(directory.to_owned(), origin.clone(), state);
            Rc::default()
        })
    }

    /// Inspects what may be a directory. `None` if it leads through a link that is not followed,
    /// which is then an error.
    fn inspect(
        &mut self,
        directory: &Path,
        origin: &Origin,
    ) -> Option<Result<InspectedFile, InspectError>> {
        match origin.inspect(directory) {
            Err(error @ InspectError::Foreign(_)) => {
                let state = FileState::Foreign(error.into_scrape_error("cannot open", directory));
                self.push(directory.to_owned(), origin.clone(), state);
                None
            }
            found => Some(found),
        }
    }

    /// Adds a file unless another path led to it before. One file more than the limit is enough
    /// to detect that there are too many.
    fn push(&mut self, path: PathBuf, origin: Origin, state: FileState) {
        if self.files.len() <= MAX_FILES && self.known.insert(path.clone()) {
            self.files.push(FoundFile {
                path,
                origin,
                state,
            });
        }
    }

    /// For a file that is a link, watches each directory that the link leads through: writes to
    /// the real file cause events there, under the names that are recorded here.
    fn follow_links(&mut self, index: usize) {
        let Some(file) = self.files.get_mut(index) else {
            return;
        };
        let path = &file.path;
        // Most files are no links, and a walk looks up every component.
        if self.links > MAX_LINKS || !path.is_symlink() {
            return;
        }
        if let Err(error @ InspectError::Foreign(_)) = file.origin.inspect(path) {
            let error = error.into_scrape_error("cannot open", path);
            file.state = FileState::Foreign(error);
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
