//! File systems whose files are changed elsewhere, of which inotify does not tell.
//!
//! A watch on them is set and works for what this host does (inotify(7),
//! "Limitations and caveats"); a change by a server or by another host is found
//! by the timer alone.

use rustix::fs::statfs;
use std::path::Path;

/// Names and numbers by statfs(2), `linux/magic.h` and the file systems' own sources.
const ELSEWHERE: [(&str, u64); 15] = [
    ("a network file system (NFS)", 0x6969),
    ("a network file system (SMB)", 0x517b),
    ("a network file system (CIFS)", 0xff53_4d42),
    ("a network file system (SMB 2)", 0xfe53_4d42),
    ("a network file system (AFS)", 0x5346_414f),
    ("a network file system (kAFS)", 0x6b41_4653),
    ("a network file system (Coda)", 0x7375_7245),
    ("a file system in user space (FUSE)", 0x6573_5546),
    ("a file system of the host (9P)", 0x0102_1997),
    ("a file system of the host (VirtualBox)", 0x786f_4256),
    ("a cluster file system (Ceph)", 0x00c3_6400),
    ("a cluster file system (OCFS2)", 0x7461_636f),
    ("a cluster file system (GFS2)", 0x0116_1970),
    ("a cluster file system (Lustre)", 0x0bd0_0bd0),
    ("a file system of the kernel (proc)", 0x9fa0),
];

/// What a directory is on, if changes there may happen without events; blocks.
pub(in crate::source::file) fn elsewhere(directory: &Path) -> Option<&'static str> {
    let found = u64::try_from(statfs(directory).ok()?.f_type).ok()?;
    let of = |(name, number): &(&'static str, u64)| (*number == found).then_some(*name);
    ELSEWHERE.iter().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_makes_up_changes_without_events() {
        let proc = elsewhere(Path::new("/proc"));
        assert_eq!(proc, Some("a file system of the kernel (proc)"));
        assert_eq!(elsewhere(Path::new("/nowhere")), None);
    }
}
