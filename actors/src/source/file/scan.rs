//! Looking at the files themselves: which there are, and what is in them.
//!
//! Everything here blocks and runs on the blocking pool. What did not change is
//! not read again; what changed while it was read is read again. Nothing is
//! remembered here between scans but what the caller hands back.

use super::watch::{Identity, Interest, Target, identity};
use crate::scrape::{Reason, ScrapeError};
use bytes::Bytes;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What files of a directory are called.
pub(super) const SUFFIXES: &[&str] = &[".prom", ".promfile"];
/// The most files that one selector may have.
const MOST_FILES: usize = 4096;
/// How often a file that changes while it is read is read again.
const ATTEMPTS: usize = 3;
/// File systems stamp changes only so finely: a file changed this shortly
/// before it was read may have changed again under the same stamp.
const STAMP_GRAIN: Duration = Duration::from_millis(50);

/// The files of a selector as last read, in the order they are served.
pub(super) type Contents = BTreeMap<usize, BTreeMap<PathBuf, Content>>;

/// One file as it was read.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) body: Bytes,
    pub(super) modified: SystemTime,
    stamp: Stamp,
    read_at: SystemTime,
}

/// What tells one version of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    identity: Identity,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            identity: Identity {
                device: metadata.dev(),
                inode: metadata.ino(),
            },
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What a scan found.
#[derive(Debug)]
pub(super) struct Scan {
    /// The files, or why they cannot be served.
    pub(super) contents: Result<Contents, ScrapeError>,
    /// The directories in which a change would matter.
    pub(super) targets: Vec<Target>,
}

/// Looks at `paths`, reading what is not in `known` as it is now.
pub(super) fn scan(paths: &[PathBuf], max_bytes: usize, known: &Contents) -> Scan {
    let mut targets = Vec::new();
    for path in paths {
        targets.extend(target(path));
    }
    let empty = BTreeMap::new();
    let mut contents = Contents::new();
    let mut budget = max_bytes;
    for (index, path) in paths.iter().enumerate() {
        let known = known.get(&index).unwrap_or(&empty);
        match read_path(path, known, &mut budget, max_bytes) {
            Ok(read) => contents.insert(index, read),
            Err(error) => {
                return Scan {
                    contents: Err(error),
                    targets,
                };
            }
        };
    }
    Scan {
        contents: Ok(contents),
        targets,
    }
}

/// The directory to watch for a path: itself if it is one, else its parent, and
/// where that is missing the nearest ancestor, for the name that would lead on.
fn target(path: &Path) -> Option<Target> {
    let mut interest = Interest::Suffixes(SUFFIXES);
    let mut directory = path;
    loop {
        if directory.is_dir()
            && let Ok(identity) = identity(directory)
        {
            return Some(Target {
                directory: directory.to_owned(),
                identity,
                interest,
            });
        }
        interest = Interest::Name(directory.file_name()?.to_owned());
        directory = directory.parent()?;
    }
}

/// The file at `path`, or the files in it.
fn read_path(
    path: &Path,
    known: &BTreeMap<PathBuf, Content>,
    budget: &mut usize,
    max_bytes: usize,
) -> Result<BTreeMap<PathBuf, Content>, ScrapeError> {
    let files = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => list(path)?,
        Ok(_) => vec![path.to_owned()],
        Err(error) => return Err(failed("cannot look at", path, &error)),
    };
    let mut contents = BTreeMap::new();
    for file in files {
        let content = match known.get(&file).filter(|content| content.is_current(&file)) {
            Some(content) => content.clone(),
            None => read(&file, *budget, max_bytes)?,
        };
        *budget = budget
            .checked_sub(content.body.len())
            .ok_or_else(|| ScrapeError::too_large(&path.display(), max_bytes))?;
        contents.insert(file, content);
    }
    Ok(contents)
}

/// The files of a directory that are meant to be served; temporaries and dotfiles are not.
fn list(directory: &Path) -> Result<Vec<PathBuf>, ScrapeError> {
    let cannot = |error: io::Error| failed("cannot list", directory, &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        let bytes = name.as_encoded_bytes();
        let served = SUFFIXES
            .iter()
            .any(|suffix| bytes.ends_with(suffix.as_bytes()));
        if served && !bytes.starts_with(b".") {
            files.push(directory.join(&name));
        }
        if files.len() > MOST_FILES {
            let message = format!("{} holds over {MOST_FILES} files", directory.display());
            return Err(ScrapeError::new(Reason::TooLarge, message));
        }
    }
    if files.is_empty() {
        let message = format!("{} holds no *.prom or *.promfile", directory.display());
        return Err(ScrapeError::new(Reason::Absent, message));
    }
    Ok(files)
}

impl Content {
    /// Whether reading the file again would give the same.
    fn is_current(&self, file: &Path) -> bool {
        let settled = self
            .read_at
            .duration_since(self.modified)
            .is_ok_and(|age| age > STAMP_GRAIN);
        settled && std::fs::metadata(file).is_ok_and(|now| Stamp::of(&now) == self.stamp)
    }
}

/// Reads a file whole, as one version of it.
fn read(path: &Path, budget: usize, max_bytes: usize) -> Result<Content, ScrapeError> {
    for _ in 0..ATTEMPTS {
        let read_at = SystemTime::now();
        let mut file = open(path)?;
        let before = file
            .metadata()
            .map_err(|error| failed("cannot look at", path, &error))?;
        if !before.is_file() {
            return Err(not_regular(path));
        }
        let body = read_capped(&mut file, path, budget, max_bytes)?;
        let after = file
            .metadata()
            .map_err(|error| failed("cannot look at", path, &error))?;
        if Stamp::of(&before) == Stamp::of(&after) && body.len() as u64 == after.size() {
            return Ok(Content {
                body,
                modified: after.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                stamp: Stamp::of(&after),
                read_at,
            });
        }
    }
    let message = format!("{} changed each time while it was read", path.display());
    Err(ScrapeError::new(Reason::Malformed, message))
}

/// Opens without waiting for the other end of a FIFO, open(2).
fn open(path: &Path) -> Result<File, ScrapeError> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| match Errno::from_io_error(&error) {
            // A socket cannot be opened, open(2).
            Some(Errno::NXIO) => not_regular(path),
            _ => failed("cannot open", path, &error),
        })
}

fn read_capped(
    file: &mut File,
    path: &Path,
    budget: usize,
    max_bytes: usize,
) -> Result<Bytes, ScrapeError> {
    let mut body = Vec::new();
    let cap = u64::try_from(budget).unwrap_or(u64::MAX).saturating_add(1);
    file.take(cap)
        .read_to_end(&mut body)
        .map_err(|error| failed("cannot read", path, &error))?;
    if body.len() > budget {
        return Err(ScrapeError::too_large(&path.display(), max_bytes));
    }
    Ok(body.into())
}

fn failed(what: &str, path: &Path, error: &io::Error) -> ScrapeError {
    let message = format!("{what} {}: {error}", path.display());
    ScrapeError::new(Reason::of_io(error), message)
}

fn not_regular(path: &Path) -> ScrapeError {
    let message = format!("{} is no regular file", path.display());
    ScrapeError::new(Reason::Unsuitable, message)
}
