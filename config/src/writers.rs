//! Finds drop-ins that users other than root and that of this process can change.
//!
//! A drop-in defines which files and sockets the exporter reads with its rights, and which clients may
//! scrape them. A user who can write to it, to its directory, or to a directory above, can replace it. Reads
//! metadata only. Ignores file systems that are mounted read-only here, such as that of a
//! `ConfigMap`, whose directories are writable by mode.

use crate::path_access::PathAccess;
use crate::shown::shown;
use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::process::{getegid, geteuid};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The permission bits of a mode that matter here (inode(7)).
const GROUP_MAY_WRITE: u32 = 0o020;
const OTHERS_MAY_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// A drop-in, or a directory that leads to one, that other users can change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Writable {
    /// The file or directory.
    pub path: PathBuf,
    /// Who can change it.
    pub writers: Writers,
}

/// The users that can change a file or directory, apart from root and that of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writers {
    /// The owner, by number.
    Owner(u32),
    /// The members of a group, by number.
    Group(u32),
    /// Every user.
    Everyone,
}

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// A directory above the others. If it is sticky, users can replace only what they own.
    Above,
    /// A drop-in, or the directory that is listed: a new file in it is a drop-in too.
    DropIns,
}

/// The user of this process, and its group if it has no other member.
#[derive(Clone, Copy, Debug)]
struct Own {
    user: u32,
    group: Option<u32>,
}

impl Own {
    fn of_process() -> Self {
        let group = getegid().as_raw();
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        Self {
            user: geteuid().as_raw(),
            group: is_private(group, &groups).then_some(group),
        }
    }
}

/// Whether a group has no members besides those whose first group it is, according to group(5).
fn is_private(group: u32, groups: &str) -> bool {
    let number = group.to_string();
    let members = groups.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        (fields.next()? == number).then(|| fields.next().unwrap_or_default())
    });
    members.is_some_and(str::is_empty)
}

impl fmt::Display for Writers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(user) => write!(out, "uid {user}, its owner"),
            Self::Group(group) => write!(out, "the group with gid {group}"),
            Self::Everyone => out.write_str("every user"),
        }
    }
}

impl fmt::Display for Writable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, writers) = (shown(&self.path), self.writers);
        write!(
            out,
            "{path}: can be changed by {writers}, and so can drop-ins; allow only root, or the user of \
             the exporter, to write to it"
        )
    }
}

/// Examines the directories that are listed, and the drop-ins. Paths that do not exist, or do not respond,
/// are left out.
pub(crate) fn find_writable<'p>(
    directories: impl Iterator<Item = &'p Path>,
    drop_ins: impl Iterator<Item = &'p Path>,
    access: &PathAccess,
) -> Vec<Writable> {
    let mut roles = BTreeMap::new();
    for path in directories.chain(drop_ins) {
        let owned = path.to_owned();
        let resolved = access.run(path, move || owned.canonicalize());
        // The path as it is written too: one of its components may be a link.
        for path in [Some(path.to_owned()), resolved.flatten().ok()]
            .into_iter()
            .flatten()
        {
            for above in path.ancestors().skip(1) {
                roles.entry(above.to_owned()).or_insert(Role::Above);
            }
            roles.insert(path, Role::DropIns);
        }
    }
    let own = Own::of_process();
    let examine = |(path, role): (PathBuf, Role)| {
        let owned = path.clone();
        let writers = access.run(&path, move || writers_of(&owned, role, own));
        let writers = writers.ok().flatten()?;
        Some(Writable { path, writers })
    };
    let found: BTreeSet<Writable> = roles.into_iter().filter_map(examine).collect();
    found.into_iter().collect()
}

fn writers_of(path: &Path, role: Role, own: Own) -> Option<Writers> {
    let found = path.metadata().ok()?;
    // `/dev/null`, which masks drop-ins, is writable and cannot be changed.
    if !found.is_file() && !found.is_dir() {
        return None;
    }
    let writers = rule(found.mode(), found.uid(), found.gid(), role, own)?;
    let read_only = statvfs(path).is_ok_and(|of| of.f_flag.contains(StatVfsMountFlags::RDONLY));
    (!read_only).then_some(writers)
}

/// The rule for one file or directory.
fn rule(mode: u32, owner: u32, group: u32, role: Role, own: Own) -> Option<Writers> {
    // The owner can change the mode.
    if owner != 0 && owner != own.user {
        return Some(Writers::Owner(owner));
    }
    if role == Role::Above && mode & STICKY != 0 {
        return None;
    }
    if mode & OTHERS_MAY_WRITE != 0 {
        return Some(Writers::Everyone);
    }
    // An ACL that allows writing shows as the permission of the group (acl(5)).
    let is_own = group == 0 || Some(group) == own.group;
    (mode & GROUP_MAY_WRITE != 0 && !is_own).then_some(Writers::Group(group))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn root_and_the_user_of_the_process_may_write_and_no_other() {
        let own = Own {
            user: 7,
            group: Some(70),
        };
        let cases = [
            (0o644, 0, 0, Role::DropIns, None),
            (0o664, 7, 70, Role::DropIns, None),
            (0o644, 7, 5, Role::DropIns, None),
            (0o664, 0, 0, Role::DropIns, None),
            (0o400, 8, 0, Role::DropIns, Some(Writers::Owner(8))),
            (0o664, 0, 5, Role::DropIns, Some(Writers::Group(5))),
            (0o646, 0, 0, Role::DropIns, Some(Writers::Everyone)),
            (0o1777, 0, 0, Role::Above, None),
            (0o1777, 0, 0, Role::DropIns, Some(Writers::Everyone)),
            (0o777, 0, 0, Role::Above, Some(Writers::Everyone)),
        ];
        for (mode, owner, group, role, expected) in cases {
            let found = rule(mode, owner, group, role, own);
            assert_eq!(found, expected, "{mode:o} {owner}:{group} {role:?}");
        }
    }

    #[test]
    fn a_group_with_members_is_not_private() {
        let groups = "root:x:0:\nshared:x:70:alice,bob\nown:x:71:\n";
        assert!(is_private(71, groups));
        assert!(!is_private(70, groups));
        assert!(!is_private(72, groups), "not listed");
    }

    #[test]
    fn directories_above_and_destinations_of_links_count() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("above/conf.d")).unwrap();
        fs::create_dir(at("elsewhere")).unwrap();
        fs::write(at("elsewhere/a.toml"), "").unwrap();
        symlink(at("elsewhere/a.toml"), at("above/conf.d/a.toml")).unwrap();
        let writable = || {
            let (directory, file) = (at("above/conf.d"), at("above/conf.d/a.toml"));
            let access = PathAccess::default();
            let found = find_writable([&*directory].into_iter(), [&*file].into_iter(), &access);
            let within = found.into_iter().map(|found| found.path);
            let within = within.filter(|path| path.starts_with(folder.path()));
            within.collect::<Vec<_>>()
        };
        let allow = |name: &str, mode: u32| {
            fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
        };
        for (name, mode) in [
            ("above", 0o755),
            ("above/conf.d", 0o755),
            ("elsewhere", 0o755),
        ] {
            allow(name, mode);
        }
        allow("elsewhere/a.toml", 0o644);
        assert_eq!(writable(), Vec::<PathBuf>::new());
        for name in ["above", "above/conf.d", "elsewhere"] {
            allow(name, 0o777);
            assert_eq!(writable(), [at(name)], "{name}");
            allow(name, 0o755);
        }
        allow("elsewhere/a.toml", 0o666);
        let both = [at("above/conf.d/a.toml"), at("elsewhere/a.toml")];
        assert_eq!(writable(), both);
    }
}
