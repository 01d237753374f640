//! Detects that a file may have changed, without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Minimum age of a change for its time to differ from that of a later change: file systems
/// store times with the resolution of a clock tick, some of a second.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// The stat(2) data of one version of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// stat(2) failed.
    Failed(std::io::ErrorKind),
    /// stat(2) succeeded.
    Metadata {
        device: u64,
        inode: u64,
        size: u64,
        modified: (i64, i64),
        changed: (i64, i64),
        settled: bool,
    },
}

impl Stamp {
    /// Reads the stamp of a file. Blocks.
    pub(super) fn of(file: &Path) -> Self {
        match std::fs::metadata(file) {
            Ok(metadata) => Self::Metadata {
                device: metadata.dev(),
                inode: metadata.ino(),
                size: metadata.size(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
                settled: is_settled(&metadata, SystemTime::now()),
            },
            Err(error) => Self::Failed(error.kind()),
        }
    }

    /// Whether a later change of the file would change this stamp.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Metadata { settled: true, .. })
    }
}

/// A time in the future comes from a clock that was set back; it is not settled.
fn is_settled(metadata: &Metadata, now: SystemTime) -> bool {
    let Ok(changed) = u64::try_from(metadata.ctime()) else {
        return true;
    };
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(changed);
    now.duration_since(changed)
        .is_ok_and(|age| age > SETTLED_AFTER)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn a_recent_change_is_not_settled() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        std::fs::write(&file, "0").unwrap();
        let metadata = std::fs::metadata(&file).unwrap();
        let now = SystemTime::now();
        assert!(!is_settled(&metadata, now));
        assert!(!is_settled(&metadata, now - 100 * SETTLED_AFTER));
        assert!(is_settled(&metadata, now + 3 * SETTLED_AFTER));
    }
}
