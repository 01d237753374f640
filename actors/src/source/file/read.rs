//! Reading one file: whole, as one version of it, without waiting for anybody.
//!
//! Everything here blocks and runs on the blocking pool. A file that changed
//! while it was read is read again; what is no regular file is not read.

use super::failed;
use super::watch::Identity;
use crate::host::mounts::is_deleted;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use bytes::Bytes;
use local_exporter_config::open_nonblocking;
use rustix::io::Errno;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How often a file that changes while it is read is read again.
const ATTEMPTS: usize = 3;
/// File systems stamp changes only so finely: a file changed this shortly
/// before it was read may have changed again under the same stamp.
const STAMP_GRAIN: Duration = Duration::from_millis(50);

/// One version of a file, as it was read.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) body: Bytes,
    pub(super) modified: SystemTime,
    pub(super) stamp: Stamp,
    read_at: SystemTime,
}

/// What tells one version of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    identity: Identity,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Whether the file that was read is still there, and is another than it was then.
    pub(super) fn was_overwritten(&self, file: &Path) -> bool {
        std::fs::metadata(file).is_ok_and(|now| {
            let now = Self::of(&now);
            now.identity == self.identity && now != *self
        })
    }

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

impl Version {
    /// Whether reading the file again would give the same.
    pub(super) fn is_current(&self, file: &Path) -> bool {
        let now = || std::fs::metadata(file);
        !self.is_young() && now().is_ok_and(|now| Stamp::of(&now) == self.stamp)
    }

    /// Whether the file was modified so shortly before it was read that its
    /// writer may be at it still.
    pub(super) fn is_young(&self) -> bool {
        let since = self.read_at.duration_since(self.modified);
        since.map_or(true, |age| age <= STAMP_GRAIN)
    }
}

/// Reads a file of at most `max_bytes`.
pub(super) fn read(path: &Path, max_bytes: usize) -> Result<Version, ScrapeError> {
    let mut deleted = None;
    for _ in 0..ATTEMPTS {
        let read_at = SystemTime::now();
        let mut file = open(path)?;
        let look = |file: &File| {
            let metadata = file.metadata();
            metadata.map_err(|error| failed("cannot look at", path, &error))
        };
        let before = look(&file)?;
        if !before.is_file() {
            return Err(not_regular(path));
        }
        if is_deleted(&before) {
            // Deleted: replaced a moment ago, unless its path leads to it once more.
            if deleted.replace(before.ino()) == Some(before.ino()) {
                return Err(deleted_and_mounted(path));
            }
            continue;
        }
        let body = read_capped(&mut file, path, before.size(), max_bytes)?;
        let after = look(&file)?;
        let stamp = Stamp::of(&after);
        if Stamp::of(&before) == stamp && body.len() as u64 == after.size() {
            return Ok(Version {
                body,
                modified: after.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                stamp,
                read_at,
            });
        }
    }
    let message = format!("{} changed each time while it was read", path.display());
    Err(ScrapeError::new(Reason::Truncated, message))
}

/// Opens without waiting for the other end of a FIFO, open(2).
fn open(path: &Path) -> Result<File, ScrapeError> {
    open_nonblocking(path).map_err(|error| match Errno::from_io_error(&error) {
        // A socket cannot be opened, open(2).
        Some(Errno::NXIO) => not_regular(path),
        _ => failed("cannot open", path, &error),
    })
}

/// Reads to the end or past the cap, into memory of just the size that is expected.
fn read_capped(
    file: &mut File,
    path: &Path,
    size: u64,
    max_bytes: usize,
) -> Result<Bytes, ScrapeError> {
    let expected = usize::try_from(size).unwrap_or(max_bytes).min(max_bytes);
    let mut body = Vec::with_capacity(expected);
    let cap = u64::try_from(max_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    file.take(cap)
        .read_to_end(&mut body)
        .map_err(|error| failed("cannot read", path, &error))?;
    if body.len() > max_bytes {
        return Err(ScrapeError::too_large(&path.display(), max_bytes));
    }
    Ok(body.into())
}

fn deleted_and_mounted(path: &Path) -> ScrapeError {
    failed("cannot read", path, &io::ErrorKind::NotFound.into())
}

fn not_regular(path: &Path) -> ScrapeError {
    let message = format!("{} is no regular file", path.display());
    ScrapeError::new(Reason::Unsuitable, message)
}
