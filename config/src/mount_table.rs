//! The mounts of this process, without accessing them: `/proc/self/mountinfo`, proc(5).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The mount points of this process.
const MOUNTS: &str = "/proc/self/mountinfo";

/// The mount point of the file system that a path is on as it is written, without following links.
/// `None` for the root file system, and if the mounts are not known.
#[must_use]
pub fn mount_point(path: &Path) -> Option<PathBuf> {
    let mounts = std::fs::read(MOUNTS).ok()?;
    below(&mounts, path)
}

/// The longest mount point that contains the path.
fn below(mounts: &[u8], path: &Path) -> Option<PathBuf> {
    let points = mounts.split(|byte| *byte == b'\n').filter_map(point);
    let around = points.filter(|point| point != Path::new("/") && path.starts_with(point));
    around.max_by_key(|point| point.as_os_str().len())
}

/// The mount point in a line, its fifth field.
fn point(line: &[u8]) -> Option<PathBuf> {
    let field = line.split(|byte| *byte == b' ').nth(4)?;
    Some(OsString::from_vec(unescaped(field)).into())
}

/// Blanks and backslashes are written as three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let escape = after.get(..3).filter(|_| *first == b'\\');
        let code = escape.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_point_of_a_path_is_the_longest_that_contains_it() {
        let mounts = b"1 0 8:1 / / rw - ext4 /dev/a rw\n\
                       2 1 0:5 / /mnt rw shared:1 - nfs host:/ rw\n\
                       3 2 0:6 / /mnt/with\\040blank rw - fuse x rw\n";
        let found = |path: &str| below(mounts, Path::new(path));
        assert_eq!(found("/etc/a"), None);
        assert_eq!(found("/mnt/a"), Some("/mnt".into()));
        assert_eq!(found("/mntx/a"), None);
        assert_eq!(found("/mnt/with blank/a"), Some("/mnt/with blank".into()));
        assert_eq!(mount_point(Path::new("/proc/self")), Some("/proc".into()));
    }
}
