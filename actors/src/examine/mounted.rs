//! What is wrong with how something is mounted: alone, or after it was deleted.
//!
//! Either shows what was there once for ever, whatever happens to the name on the other side of
//! the mount (moby#22789, systemd#6087). Looks at names, opens nothing.

use super::trail::Stop;
use super::{Finding, Reason};
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What to say of what was deleted and is only still mounted: its link count is 0, stat(2).
pub(super) fn deleted(stop: &Stop) -> Option<Finding> {
    let path = stop.path.display();
    (stop.found.nlink() == 0).then(|| Finding {
        what: format!("{path} was deleted and is only still mounted"),
        path: Some(stop.path.clone()),
        remedy: format!(
            "mount a directory above it that stays, instead of {path}; until then, mount it anew"
        ),
        leads_to: &[Reason::Absent, Reason::Refused, Reason::Bus],
    })
}

/// What to say of a file or a socket that is a mount by itself.
pub(super) fn alone(stop: &Stop) -> Option<Finding> {
    let parent = stop.path.parent()?;
    let (own, around) = (mount(&stop.path)?, mount(parent)?);
    let path = stop.path.display();
    (own != around).then(|| Finding {
        what: format!("{path} is mounted by itself: a rename over it is never seen here"),
        path: Some(stop.path.clone()),
        remedy: "mount the directory that it is in instead".to_owned(),
        leads_to: &[],
    })
}

/// The number of the mount that a path is on, where the kernel tells it (Linux 5.8).
fn mount(path: &Path) -> Option<u64> {
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID).ok()?;
    let told = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID);
    told.then_some(found.stx_mnt_id)
}
