//! The versions of a file, told apart by its metadata.

use crate::secret_files::SecretIdentities;
use crate::source::watch::Identity;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The resolution of the times of a file: a file that was modified this shortly before it was read
/// may have changed again without a new stamp.
const STAMP_GRAIN: Duration = Duration::from_millis(50);

/// One version of a file that was read.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) modified: SystemTime,
    pub(super) stamp: Stamp,
    pub(super) read_at: SystemTime,
}

/// Distinguishes the versions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

    /// Whether this is a version of one of these files.
    pub(super) fn is_of(&self, files: &SecretIdentities) -> bool {
        files.contain(self.identity.device, self.identity.inode)
    }

    pub(super) fn of(metadata: &Metadata) -> Self {
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
    /// The version that these metadata describe.
    pub(super) fn of(metadata: &Metadata, read_at: SystemTime) -> Self {
        Self {
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            stamp: Stamp::of(metadata),
            read_at,
        }
    }

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
