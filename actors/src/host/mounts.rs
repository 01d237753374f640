//! Stale mounts, and files or sockets that are mount points.
//!
//! A daemon that restarts may delete and re-create its runtime directory, its
//! socket or its file. A bind mount of the old one then shows the deleted
//! object forever, whatever happens to the name on the other side of the mount
//! (moby#22789, systemd#6087). The link count of a deleted object is 0
//! (stat(2)), which distinguishes it from a directory that is merely empty.

use super::path_walk::Component;
use super::problem::Problem;
use local_exporter_config::shown;
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Whether these are the metadata of something that was deleted.
pub(crate) fn is_deleted(metadata: &Metadata) -> bool {
    metadata.nlink() == 0
}

/// The problem of a component that was deleted while a mount still refers to it.
pub(crate) fn stale(component: &Component) -> Option<Problem> {
    let path = shown(&component.path);
    is_deleted(&component.metadata).then(|| Problem {
        what: deleted(&component.path, &component.metadata),
        path: component.path.clone(),
        remedy: format!(
            "mount a parent directory that is not deleted instead of {path}; until then, mount it again"
        ),
    })
}

/// The end of an error message for a path that leads through a stale mount; empty for any other
/// path.
pub(crate) fn stale_hint(path: &Path) -> String {
    let stale = |path: &Path| {
        let found = std::fs::metadata(path).ok().filter(is_deleted)?;
        let what = deleted(path, &found);
        Some(format!("; {what}; mount its parent directory instead"))
    };
    path.ancestors().find_map(stale).unwrap_or_default()
}

fn deleted(path: &Path, metadata: &Metadata) -> String {
    let kind = match metadata.file_type() {
        kind if kind.is_dir() => "directory",
        kind if kind.is_socket() => "socket",
        _ => "file",
    };
    let path = shown(path);
    format!("{path} was deleted; its mount still refers to the deleted {kind}")
}

/// The problem of a file or a socket that is itself a mount point.
pub(crate) fn mount_point(component: &Component) -> Option<Problem> {
    let parent = component.path.parent()?;
    let (own, around) = (mount_id(&component.path)?, mount_id(parent)?);
    let path = shown(&component.path);
    (own != around).then(|| Problem {
        what: format!("{path} is itself a mount point: a file renamed over it is never seen here"),
        path: component.path.clone(),
        remedy: "mount its directory instead".to_owned(),
    })
}

/// The ID of the mount that a path is on, if the kernel reports it (since Linux 5.8, statx(2)).
fn mount_id(path: &Path) -> Option<u64> {
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID).ok()?;
    let reported = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID);
    reported.then_some(found.stx_mnt_id)
}
