//! Whether looking a path up can wait for anybody but this host's kernel.
//!
//! A file system of a server, of a program (FUSE) or one that is mounted when it
//! is first entered (autofs) may hang whoever goes through it. Here are those that
//! do not: what is in memory, and on disks of this host. An overlay is not among
//! them, since anything may lie below it, nor is EROFS, which may be read over the
//! network. What is on the same device as `/` is, whatever that may be (in a
//! container an overlay): without its own root nothing of the process goes on anyway.

use rustix::fs::{stat, statfs};
use std::path::Path;

/// Numbers by statfs(2) and `linux/magic.h`.
const LOCAL: [u64; 7] = [
    0x0102_1994, // tmpfs
    0x8584_58f6, // ramfs
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683e, // Btrfs
    0xf2f5_2010, // F2FS
    0x7371_7368, // SquashFS
];

/// Whether a path leads through such file systems alone, as they are mounted now;
/// blocks if it does not.
///
/// A link may lead anywhere, and somewhere else at any time: a path with one does not,
/// so that none but the names that it is written with are to be judged.
pub(super) fn is_local(path: &Path) -> bool {
    let no_link = path.canonicalize().is_ok_and(|resolved| resolved == path);
    // The socket too, since it may be a mount by itself.
    no_link && path.ancestors().all(is_on_local)
}

fn is_on_local(path: &Path) -> bool {
    let found = statfs(path).map(|found| u64::try_from(found.f_type));
    let Ok(Ok(kind)) = found else {
        return false;
    };
    let device = |path: &Path| stat(path).ok().map(|found| found.st_dev);
    holds_nobody_up(kind, device(path), device(Path::new("/")))
}

/// Whether a file system of a kind does that, on a device, with `/` on another or the same.
fn holds_nobody_up(kind: u64, device: Option<u64>, root: Option<u64>) -> bool {
    LOCAL.contains(&kind) || device.is_some() && device == root
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_the_kernel_answers_by_itself_is_told_from_the_rest() {
        // Wherever this is tried, it is on a disk or in memory, or where `/` is.
        let folder = tempfile::tempdir_in(std::env::temp_dir().canonicalize().unwrap()).unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("real/sock"), "").unwrap();
        assert!(is_local(&at("real/sock")));
        assert!(!is_local(&at("real/absent")));
        assert!(!is_local(Path::new("/proc/version")), "neither");
        assert!(!is_local(Path::new("sock")), "from wherever that is");
    }

    #[test]
    fn no_link_is_trusted_wherever_it_leads_and_whatever_comes_after_it() {
        let folder = tempfile::tempdir_in(std::env::temp_dir().canonicalize().unwrap()).unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("real/sock"), "").unwrap();
        symlink(at("real/sock"), at("last")).unwrap();
        symlink("/proc/version", at("away")).unwrap();
        symlink("real", at("middle")).unwrap();
        let paths = [
            "last",
            "away",
            "middle/sock",
            "real/../real/sock",
            "middle/../real/sock",
        ];
        for path in paths {
            assert!(at(path).exists(), "{path}");
            assert!(!is_local(&at(path)), "{path}");
        }
    }

    #[test]
    fn what_may_be_read_from_elsewhere_counts_as_local_below_the_root_alone() {
        const OVERLAY: u64 = 0x794c_7630;
        const EROFS: u64 = 0xe0f5_e1e2;
        const FUSE: u64 = 0x6573_5546;
        const TMPFS: u64 = 0x0102_1994;
        for kind in [OVERLAY, EROFS, FUSE] {
            assert!(holds_nobody_up(kind, Some(7), Some(7)), "{kind:x}");
            assert!(!holds_nobody_up(kind, Some(8), Some(7)), "{kind:x}");
            assert!(!holds_nobody_up(kind, None, None), "{kind:x}");
        }
        assert!(holds_nobody_up(TMPFS, Some(8), Some(7)));
    }
}
