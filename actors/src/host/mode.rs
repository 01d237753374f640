//! The permissions that the mode of a file grants (`path_resolution(7)`).
//!
//! Pure arithmetic. ACLs, capabilities and labels are not part of a mode; the
//! kernel takes them into account.

use rustix::process::{getegid, geteuid, getgroups};
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// The mode, owner and group of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ownership {
    /// The permission bits, including set-user-ID, set-group-ID and sticky.
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
}

/// The user and groups of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: u32,
    pub(super) groups: Vec<u32>,
}

/// The part of a mode that applies to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Owner,
    Group,
    Others,
}

impl Credentials {
    /// Those of this process.
    pub(super) fn own() -> Self {
        let groups = getgroups().unwrap_or_default();
        let groups = groups.into_iter().chain([getegid()]);
        Self {
            user: geteuid().as_raw(),
            groups: groups.map(rustix::fs::Gid::as_raw).collect(),
        }
    }

    /// The part of a file's mode that applies.
    pub(super) fn class(&self, ownership: &Ownership) -> Class {
        if ownership.owner == self.user {
            Class::Owner
        } else if self.groups.contains(&ownership.group) {
            Class::Group
        } else {
            Class::Others
        }
    }
}

impl Ownership {
    /// Whether the mode has all of the permissions for a class; `bits` are those of the class of others.
    pub(super) fn allows(&self, class: Class, bits: u32) -> bool {
        let shift = match class {
            Class::Owner => 6,
            Class::Group => 3,
            Class::Others => 0,
        };
        let required = bits << shift;
        self.mode & required == required
    }
}

impl From<&Metadata> for Ownership {
    fn from(metadata: &Metadata) -> Self {
        Self {
            mode: metadata.mode() & 0o7777,
            owner: metadata.uid(),
            group: metadata.gid(),
        }
    }
}

/// Mode, owner and group as numbers, such as `0660 0:4`.
impl fmt::Display for Ownership {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04o} {}:{}", self.mode, self.owner, self.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_class_of_a_mode_applies_to_a_process() {
        let credentials = Credentials {
            user: 7,
            groups: vec![4, 20],
        };
        let cases = [
            // The owner is denied even if a group of the process is allowed.
            (0o066, 7, 4, Class::Owner, false),
            (0o200, 7, 9, Class::Owner, true),
            (0o606, 0, 20, Class::Group, false),
            (0o020, 0, 4, Class::Group, true),
            (0o660, 0, 9, Class::Others, false),
            (0o002, 0, 9, Class::Others, true),
        ];
        for (mode, owner, group, class, allowed) in cases {
            let ownership = Ownership { mode, owner, group };
            assert_eq!(credentials.class(&ownership), class, "{ownership}");
            assert_eq!(ownership.allows(class, 0o2), allowed, "{ownership}");
        }
    }

    #[test]
    fn a_mode_allows_an_access_if_it_has_all_of_its_permissions() {
        for (mode, allowed) in [(0o740, false), (0o710, false), (0o750, true)] {
            let (owner, group) = (0, 4);
            let ownership = Ownership { mode, owner, group };
            assert_eq!(ownership.allows(Class::Group, 0o5), allowed, "{ownership}");
        }
    }
}
