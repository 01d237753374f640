//! The memory limit of the control group of this process, cgroups(7): version 1 and 2, with all groups
//! around it.
//!
//! In a container, the mount of the control groups may show only the part below the container.

use std::fs;
use std::path::{Path, PathBuf};

/// The groups of the process, one line for each hierarchy.
const MEMBERSHIPS: &str = "/proc/self/cgroup";
/// The mounts of the process.
const MOUNTS: &str = "/proc/self/mountinfo";
/// Limits from here on mean "no limit": version 1 reports the largest number of pages.
const UNLIMITED: u64 = 1 << 62;

/// A version of control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The lowest limit of the groups that contain the process, in bytes; `None` if there is none.
pub(super) fn limit() -> Option<u64> {
    let memberships = fs::read_to_string(MEMBERSHIPS).ok()?;
    let mounts = fs::read_to_string(MOUNTS).ok()?;
    limit_in(Path::new("/"), &memberships, &mounts)
}

fn limit_in(root: &Path, memberships: &str, mounts: &str) -> Option<u64> {
    let limits = [Version::One, Version::Two].map(|version| {
        let group = memberships.lines().find_map(|line| version.group(line))?;
        let mount = mounts.lines().find_map(|line| version.mount(line))?;
        mount.lowest_limit(root, Path::new(group), version)
    });
    limits.into_iter().flatten().min()
}

impl Version {
    fn file(self) -> &'static str {
        match self {
            Self::One => "memory.limit_in_bytes",
            Self::Two => "memory.max",
        }
    }

    /// The group in a line `number:controllers:path`.
    fn group(self, line: &str) -> Option<&str> {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let found = match self {
            Self::One => controllers.split(',').any(|name| name == "memory"),
            Self::Two => number == "0" && controllers.is_empty(),
        };
        found.then_some(path)
    }

    /// The mount of the memory controller in a line of mountinfo, proc(5).
    fn mount(self, line: &str) -> Option<Mount> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut fields = file_system.split(' ');
        let (name, options) = (fields.next()?, fields.nth(1)?);
        let found = match self {
            Self::One => name == "cgroup" && options.split(',').any(|option| option == "memory"),
            Self::Two => name == "cgroup2",
        };
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        found.then(|| Mount {
            root: root.into(),
            point: point.into(),
        })
    }
}

/// A mount of control groups.
#[derive(Debug)]
struct Mount {
    /// The group that is mounted.
    root: PathBuf,
    /// Where it is mounted.
    point: PathBuf,
}

impl Mount {
    /// The lowest limit of a group and those around it, as far as they are visible.
    fn lowest_limit(&self, root: &Path, group: &Path, version: Version) -> Option<u64> {
        let top = root.join(self.point.strip_prefix("/").unwrap_or(&self.point));
        let below = group.strip_prefix(&self.root);
        // A group outside of the mount is not visible; its limit is that of the mounted group.
        let group = below.map_or_else(|_| top.clone(), |below| top.join(below));
        let around = group
            .ancestors()
            .take_while(|group| group.starts_with(&top));
        let limits = around.filter_map(|group| {
            let text = fs::read_to_string(group.join(version.file())).ok()?;
            text.trim().parse().ok().filter(|limit| *limit < UNLIMITED)
        });
        limits.min()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn write(root: &Path, file: &str, text: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    const V2: &str =
        "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn the_lowest_limit_of_nested_groups_applies() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(root, "sys/fs/cgroup/a.slice/memory.max", "1000\n");
        write(root, "sys/fs/cgroup/a.slice/b.service/memory.max", "max\n");
        let found = |group: &str| limit_in(root, &format!("0::{group}\n"), V2);
        assert_eq!(found("/a.slice/b.service"), Some(1000));
        assert_eq!(found("/a.slice"), Some(1000));
        assert_eq!(found("/"), None);
        write(root, "sys/fs/cgroup/a.slice/b.service/memory.max", "900\n");
        assert_eq!(found("/a.slice/b.service"), Some(900));
    }

    #[test]
    fn version_one_is_read_from_its_own_hierarchy() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mounts = "36 31 0:33 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                      42 31 0:39 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        let groups = "4:memory:/outer/inner\n1:cpu:/other\n0::/\n";
        write(
            root,
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        write(
            root,
            "sys/fs/cgroup/memory/outer/inner/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        assert_eq!(limit_in(root, groups, mounts), None);
        write(
            root,
            "sys/fs/cgroup/memory/outer/memory.limit_in_bytes",
            "4096\n",
        );
        assert_eq!(limit_in(root, groups, mounts), Some(4096));
    }

    #[test]
    fn in_a_container_the_mounted_group_is_the_top() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mounts = V2.replace("0:28 / ", "0:28 /system.slice/box.scope ");
        write(root, "sys/fs/cgroup/memory.max", "500\n");
        write(root, "sys/fs/cgroup/inner/memory.max", "300\n");
        let found = |group: &str| limit_in(root, &format!("0::{group}\n"), &mounts);
        assert_eq!(found("/system.slice/box.scope"), Some(500));
        assert_eq!(found("/system.slice/box.scope/inner"), Some(300));
        assert_eq!(found("/elsewhere"), Some(500));
    }
}
