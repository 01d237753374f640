//! Whom the mode of a file allows what (`path_resolution(7)`).
//!
//! Arithmetic alone: ACLs, capabilities and labels, of which a mode does not tell, are for the
//! kernel to count in.

use rustix::process::{getegid, geteuid, getgroups};
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Whose a file is, and what it allows whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ownership {
    pub(crate) mode: u32,
    pub(crate) owner: u32,
    pub(crate) group: u32,
}

/// Who wants something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: u32,
    pub(crate) groups: Vec<u32>,
}

/// Which of the three parts of a mode holds for a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Owner,
    Group,
    Others,
}

impl Credentials {
    /// This one.
    pub(crate) fn own() -> Self {
        let groups = getgroups().unwrap_or_default();
        let groups = groups.into_iter().chain([getegid()]);
        Self {
            user: geteuid().as_raw(),
            groups: groups.map(rustix::fs::Gid::as_raw).collect(),
        }
    }

    pub(crate) fn class(&self, ownership: &Ownership) -> Class {
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
    /// Whether a bit of the three that others have is set for a class.
    pub(crate) fn allows(&self, class: Class, bit: u32) -> bool {
        let shift = match class {
            Class::Owner => 6,
            Class::Group => 3,
            Class::Others => 0,
        };
        self.mode & (bit << shift) != 0
    }
}

impl From<&Metadata> for Ownership {
    fn from(found: &Metadata) -> Self {
        Self {
            mode: found.mode() & 0o7777,
            owner: found.uid(),
            group: found.gid(),
        }
    }
}

/// Mode, owner and group by their numbers, as in `0660 0:4`.
impl fmt::Display for Ownership {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04o} {}:{}", self.mode, self.owner, self.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_of_a_mode_alone_holds_for_a_process() {
        let credentials = Credentials {
            user: 7,
            groups: vec![4, 20],
        };
        let cases = [
            // Its owner may not, whatever his groups may.
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
}
