//! The directories that a source wants events of, and the names that matter in each.

use super::pattern::Patterns;
use crate::host::filesystem;
use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The most directories that are watched for one source. Changes in further ones are found by the
/// `refresh` timer.
pub(in crate::source) const MAX_TARGETS: usize = 1024;

/// The link that a mounted `ConfigMap` replaces when any of its files changes.
const CONFIG_MAP_LINK: &str = "..data";

/// Device and inode of a file or directory, which identify it under any path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::source) struct Identity {
    pub(in crate::source) device: u64,
    pub(in crate::source) inode: u64,
}

/// The names in a directory whose changes matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::source) struct Interest {
    /// These names.
    pub(in crate::source) names: BTreeSet<OsString>,
    /// Names that one of these covers.
    pub(in crate::source) patterns: Vec<Patterns>,
}

/// A directory to watch.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source) struct Target {
    pub(in crate::source) directory: PathBuf,
    pub(in crate::source) identity: Identity,
    pub(in crate::source) interest: Interest,
    /// The name of its file system, if files there may change without an event.
    pub(in crate::source) without_events: Option<&'static str>,
}

/// The directories to watch for one source, each once, whatever paths lead to it.
#[derive(Debug, Default)]
pub(in crate::source) struct Targets {
    pub(in crate::source) watched: Vec<Target>,
    /// The first directory beyond [`MAX_TARGETS`].
    pub(in crate::source) beyond: Option<PathBuf>,
    /// The index in `watched` of each path that was added.
    by_path: HashMap<PathBuf, usize>,
    /// The index in `watched` of each directory.
    by_identity: HashMap<Identity, usize>,
}

impl Interest {
    /// Interest in one name.
    pub(in crate::source) fn in_name(name: &OsStr) -> Self {
        Self {
            names: BTreeSet::from([name.to_owned()]),
            patterns: Vec::new(),
        }
    }

    /// Interest in every name that the patterns cover.
    pub(in crate::source) fn in_patterns(patterns: &Patterns) -> Self {
        Self {
            names: BTreeSet::new(),
            patterns: vec![patterns.clone()],
        }
    }

    pub(in crate::source) fn covers(&self, name: &OsStr) -> bool {
        self.names.contains(name)
            || name == CONFIG_MAP_LINK
            || self.patterns.iter().any(|patterns| patterns.cover(name))
    }

    /// Adds the interest of another.
    fn add(&mut self, other: Self) {
        self.names.extend(other.names);
        for patterns in other.patterns {
            if !self.patterns.contains(&patterns) {
                self.patterns.push(patterns);
            }
        }
    }
}

impl Targets {
    /// Adds a directory, or the interest to the target that it has by any path. A directory that
    /// does not exist is ignored. Blocks.
    pub(in crate::source) fn add(&mut self, directory: &Path, interest: Interest) {
        let known = match self.by_path.get(directory) {
            Some(known) => Ok(*known),
            None => match identity(directory) {
                Ok(identity) => self.by_identity.get(&identity).copied().ok_or(identity),
                Err(_) => return,
            },
        };
        let identity = match known {
            Ok(known) => {
                self.by_path.entry(directory.to_owned()).or_insert(known);
                if let Some(target) = self.watched.get_mut(known) {
                    target.interest.add(interest);
                }
                return;
            }
            Err(identity) => identity,
        };
        if self.watched.len() == MAX_TARGETS {
            self.beyond.get_or_insert_with(|| directory.to_owned());
            return;
        }
        self.by_path
            .insert(directory.to_owned(), self.watched.len());
        self.by_identity.insert(identity, self.watched.len());
        self.watched.push(Target {
            directory: directory.to_owned(),
            identity,
            interest,
            without_events: filesystem::without_events(directory),
        });
    }

    /// Adds the parent directory of a path for its name. If the parent is missing, adds the
    /// nearest ancestor that exists, for the next component below it. Blocks.
    pub(in crate::source) fn add_parent_of(&mut self, path: &Path) {
        let mut path = path;
        while let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
            if parent.is_dir() {
                return self.add(parent, Interest::in_name(name));
            }
            path = parent;
        }
    }
}

/// The identity of what a path leads to, following links. Blocks.
pub(in crate::source) fn identity(path: &Path) -> io::Result<Identity> {
    let metadata = std::fs::metadata(path)?;
    Ok(Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
    })
}
