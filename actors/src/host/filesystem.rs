//! Types of file systems, and what each type implies for reading from it.
//!
//! The only table of file system types. Numbers are from statfs(2),
//! `linux/magic.h` and the sources of the file systems.

use rustix::fs::{stat, statfs};
use std::path::Path;

/// The properties of a type of file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// In memory: looking up a path does not block, and files are gone after a restart.
    Memory,
    /// On a disk of this host: looking up a path waits for nothing but the kernel.
    Disk,
    /// Files may be changed by a server, another host or the kernel, and inotify reports only
    /// changes that are made here (inotify(7), "Limitations and caveats"). Looking up a path may
    /// block for as long as the other side does not respond.
    Remote(&'static str),
}

/// Types that are not listed may block, and report events. Not listed on purpose: overlay, since
/// anything may lie below it, and EROFS, which may be read over the network.
const TYPES: [(u64, Class); 22] = [
    (0x0102_1994, Class::Memory), // tmpfs
    (0x8584_58f6, Class::Memory), // ramfs
    (0xef53, Class::Disk),        // ext2, ext3, ext4
    (0x5846_5342, Class::Disk),   // XFS
    (0x9123_683e, Class::Disk),   // Btrfs
    (0xf2f5_2010, Class::Disk),   // F2FS
    (0x7371_7368, Class::Disk),   // SquashFS
    (0x6969, Class::Remote("a network file system (NFS)")),
    (0x517b, Class::Remote("a network file system (SMB)")),
    (0xff53_4d42, Class::Remote("a network file system (CIFS)")),
    (0xfe53_4d42, Class::Remote("a network file system (SMB 2)")),
    (0x5346_414f, Class::Remote("a network file system (AFS)")),
    (0x6b41_4653, Class::Remote("a network file system (kAFS)")),
    (0x7375_7245, Class::Remote("a network file system (Coda)")),
    (
        0x6573_5546,
        Class::Remote("a file system in user space (FUSE)"),
    ),
    (0x0102_1997, Class::Remote("a file system of the host (9P)")),
    (
        0x786f_4256,
        Class::Remote("a file system of the host (VirtualBox)"),
    ),
    (0x00c3_6400, Class::Remote("a cluster file system (Ceph)")),
    (0x7461_636f, Class::Remote("a cluster file system (OCFS2)")),
    (0x0116_1970, Class::Remote("a cluster file system (GFS2)")),
    (0x0bd0_0bd0, Class::Remote("a cluster file system (Lustre)")),
    (0x9fa0, Class::Remote("a file system of the kernel (proc)")),
];

/// Whether a path is on a file system in memory; blocks if its file system hangs.
#[must_use]
pub fn is_in_memory(path: &Path) -> bool {
    type_of(path).and_then(class) == Some(Class::Memory)
}

/// Names the file system of a directory if its files may change without an event; blocks if the
/// file system hangs.
pub(crate) fn without_events(directory: &Path) -> Option<&'static str> {
    match class(type_of(directory)?)? {
        Class::Remote(name) => Some(name),
        Class::Memory | Class::Disk => None,
    }
}

/// Whether looking up a path waits for nothing but this host's kernel, as mounts are now; blocks
/// if it does.
///
/// File systems of a server, of a program (FUSE), and those that are mounted on first access
/// (autofs) may hang. A file system on the same device as `/` counts as non-blocking whatever its
/// type (in a container it is an overlay): without its own root the process cannot work anyway.
///
/// A path with a symbolic link never qualifies, since the link may be replaced at any time by one
/// that leads elsewhere.
pub(crate) fn is_non_blocking(path: &Path) -> bool {
    let no_link = path.canonicalize().is_ok_and(|resolved| resolved == path);
    // The last component too, since a socket may be a mount point.
    no_link && path.ancestors().all(is_on_non_blocking)
}

fn is_on_non_blocking(path: &Path) -> bool {
    let device = |path: &Path| stat(path).ok().map(|found| found.st_dev);
    type_of(path).is_some_and(|number| never_blocks(number, device(path), device(Path::new("/"))))
}

/// The rule for one type of file system on a device, given the device of `/`.
fn never_blocks(number: u64, device: Option<u64>, root: Option<u64>) -> bool {
    matches!(class(number), Some(Class::Memory | Class::Disk)) || device.is_some() && device == root
}

fn type_of(path: &Path) -> Option<u64> {
    u64::try_from(statfs(path).ok()?.f_type).ok()
}

fn class(number: u64) -> Option<Class> {
    let found = TYPES.iter().find(|(listed, _)| *listed == number);
    found.map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn disks_and_memory_do_not_block_and_other_file_systems_may() {
        // Wherever the tests run, this is on a disk, in memory, or on the device of `/`.
        let folder = tempfile::tempdir_in(std::env::temp_dir().canonicalize().unwrap()).unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("real/sock"), "").unwrap();
        assert!(is_non_blocking(&at("real/sock")));
        assert!(!is_non_blocking(&at("real/absent")));
        assert!(!is_non_blocking(Path::new("/proc/version")), "neither");
        assert!(!is_non_blocking(Path::new("sock")), "relative");
    }

    #[test]
    fn a_path_with_a_link_never_counts_as_non_blocking() {
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
            assert!(!is_non_blocking(&at(path)), "{path}");
        }
    }

    #[test]
    fn a_type_that_may_block_counts_as_non_blocking_on_the_device_of_the_root_alone() {
        const OVERLAY: u64 = 0x794c_7630;
        const EROFS: u64 = 0xe0f5_e1e2;
        const FUSE: u64 = 0x6573_5546;
        const TMPFS: u64 = 0x0102_1994;
        for kind in [OVERLAY, EROFS, FUSE] {
            assert!(never_blocks(kind, Some(7), Some(7)), "{kind:x}");
            assert!(!never_blocks(kind, Some(8), Some(7)), "{kind:x}");
            assert!(!never_blocks(kind, None, None), "{kind:x}");
        }
        assert!(never_blocks(TMPFS, Some(8), Some(7)));
    }

    #[test]
    fn files_of_the_kernel_change_without_events() {
        let proc = without_events(Path::new("/proc"));
        assert_eq!(proc, Some("a file system of the kernel (proc)"));
        assert_eq!(without_events(Path::new("/nowhere")), None);
    }
}
