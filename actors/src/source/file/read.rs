//! Reads one file completely, as one consistent version, without waiting for other processes.
//!
//! Blocks, so it runs on the blocking pool. A file that changes while it is read
//! is read again. Only regular files are read: opening a FIFO does not wait for
//! its writer.

use super::error::failed;
use crate::host::mounts::is_deleted;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use crate::source::watch::Identity;
use bytes::Bytes;
use local_exporter_config::open_nonblocking;
use rustix::io::Errno;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The number of attempts to read a file that changes while it is read.
const ATTEMPTS: usize = 3;
/// The resolution of the times of a file: a file that was modified this shortly before it was read
/// may have changed again without a new stamp.
const STAMP_GRAIN: Duration = Duration::from_millis(50);

/// One version of a file.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) body: Bytes,
    pub(super) modified: SystemTime,
    pub(super) stamp: Stamp,
    read_at: SystemTime,
}

/// Distinguishes the versions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    identity: Identity,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Whether the same file still exists and has changed since. Blocks.
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
    /// Whether reading the file again would return the same body. Blocks.
    pub(super) fn is_current(&self, file: &Path) -> bool {
        let now = || std::fs::metadata(file);
        !self.is_young() && now().is_ok_and(|now| Stamp::of(&now) == self.stamp)
    }

    /// Whether the file was modified so shortly before it was read that its writer may not have
    /// finished.
    pub(super) fn is_young(&self) -> bool {
        let since = self.read_at.duration_since(self.modified);
        since.map_or(true, |age| age <= STAMP_GRAIN)
    }
}

/// Reads a file of at most `max_bytes`. Blocks.
///
/// # Errors
/// `unsuitable` if it is not a regular file, `too_large`, `truncated` if it changed during each
/// attempt, and the reasons of operating system errors.
pub(super) fn read(path: &Path, max_bytes: usize) -> Result<Version, ScrapeError> {
    let mut deleted = None;
    for _ in 0..ATTEMPTS {
        let read_at = SystemTime::now();
        let mut file = open(path)?;
        let look_up = |file: &File| {
            let metadata = file.metadata();
            metadata.map_err(|error| failed("cannot access", path, &error))
        };
        let before = look_up(&file)?;
        if !before.is_file() {
            return Err(not_regular(path));
        }
        if is_deleted(&before) {
            // It was replaced a moment ago, unless its path leads to the same deleted file again.
            if deleted.replace(before.ino()) == Some(before.ino()) {
                return Err(deleted_and_mounted(path));
            }
            continue;
        }
        let body = read_limited(&mut file, path, before.size(), max_bytes)?;
        let after = look_up(&file)?;
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

/// Opens a file without waiting for the other end of a FIFO (open(2)).
fn open(path: &Path) -> Result<File, ScrapeError> {
    open_nonblocking(path).map_err(|error| match Errno::from_io_error(&error) {
        // The error for a socket (open(2)).
        Some(Errno::NXIO) => not_regular(path),
        _ => failed("cannot open", path, &error),
    })
}

/// Reads to the end, or one byte past the limit, into a buffer of the expected size.
fn read_limited(
    file: &mut File,
    path: &Path,
    size: u64,
    max_bytes: usize,
) -> Result<Bytes, ScrapeError> {
    let expected = usize::try_from(size).unwrap_or(max_bytes).min(max_bytes);
    let mut body = Vec::with_capacity(expected);
    let limit = u64::try_from(max_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    file.take(limit)
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
    let message = format!("{} is not a regular file", path.display());
    ScrapeError::new(Reason::Unsuitable, message)
}
