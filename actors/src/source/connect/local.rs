//! Whether looking a path up can wait for anybody but this host's kernel.
//!
//! A file system of a server, of a program (FUSE) or one that is mounted when it
//! is first entered (autofs) may hang whoever goes through it. Here are those that
//! do not: what is in memory, and on disks of this host, without which nothing
//! goes on anyway.

use rustix::fs::statfs;
use std::path::Path;

/// Numbers by statfs(2) and `linux/magic.h`.
const LOCAL: [u64; 9] = [
    0x0102_1994, // tmpfs
    0x8584_58f6, // ramfs
    0x794c_7630, // overlayfs
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683e, // Btrfs
    0xf2f5_2010, // F2FS
    0x7371_7368, // SquashFS
    0xe0f5_e1e2, // EROFS
];

/// Whether a path leads through such file systems alone, as they are mounted now;
/// blocks if it does not.
pub(super) fn is_local(path: &Path) -> bool {
    let Some(directory) = path.parent() else {
        return false;
    };
    // Both as it is written and where its links lead.
    let Ok(resolved) = directory.canonicalize() else {
        return false;
    };
    directory
        .ancestors()
        .chain(resolved.ancestors())
        .filter(|ancestor| !ancestor.as_os_str().is_empty())
        .all(is_on_local)
}

fn is_on_local(directory: &Path) -> bool {
    let found = statfs(directory).map(|found| u64::try_from(found.f_type));
    matches!(found, Ok(Ok(kind)) if LOCAL.contains(&kind))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_the_kernel_answers_by_itself_is_told_from_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        // Wherever this is tried, it is on a disk or in memory.
        assert!(is_local(&at("sock")));
        assert!(!is_local(Path::new("/proc/self/sock")), "neither");
        assert!(!is_local(&at("nowhere").join("sock")));
        symlink("/proc/self", at("away")).unwrap();
        assert!(!is_local(&at("away").join("sock")));
        symlink(folder.path(), at("back")).unwrap();
        assert!(is_local(&at("back").join("sock")));
    }
}
