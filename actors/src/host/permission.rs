//! The permission that this process lacks for a path, and its remedy.
//!
//! Asks the kernel with access(2), which takes groups, ACLs and labels into
//! account. The mode then shows what to change.

use super::mode::{Class, Credentials, Ownership};
use super::path_walk::Component;
use super::problem::Problem;
use local_exporter_config::shown;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::fmt::Display;
use std::path::Path;

/// The access that is required to a component of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessKind {
    /// Traverse a directory.
    Search,
    /// Read the names in a directory and open its files. The latter needs permission x.
    List,
    /// Read a file.
    Read,
    /// Connect to a socket.
    Connect,
}

impl AccessKind {
    fn access(self) -> Access {
        match self {
            Self::Search => Access::EXEC_OK,
            Self::List => Access::READ_OK.union(Access::EXEC_OK),
            Self::Read => Access::READ_OK,
            Self::Connect => Access::WRITE_OK,
        }
    }

    /// The letters of the permissions.
    fn letters(self) -> &'static str {
        match self {
            Self::Search => "x",
            Self::List => "rx",
            Self::Read => "r",
            Self::Connect => "w",
        }
    }

    /// The bits of the permissions in the class of others.
    pub(super) fn bits(self) -> u32 {
        match self {
            Self::Search => 0o1,
            Self::List => 0o5,
            Self::Read => 0o4,
            Self::Connect => 0o2,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::List => "list",
            Self::Read => "read",
            Self::Connect => "connect to",
        }
    }
}

/// Whether the kernel allows the access to this process.
pub(super) fn is_allowed(component: &Component, required: AccessKind) -> bool {
    accessat(CWD, &component.path, required.access(), AtFlags::EACCESS) != Err(Errno::ACCESS)
}

/// The problem of a component for which this process lacks a permission.
pub(crate) fn missing(component: &Component, required: AccessKind) -> Option<Problem> {
    if is_allowed(component, required) {
        return None;
    }
    let ownership = named(&Ownership::from(&component.metadata));
    Some(Problem {
        what: describe(geteuid().as_raw(), required, &component.path, &ownership),
        path: component.path.clone(),
        remedy: remedy(component, required),
    })
}

/// A missing permission of a user, in words.
pub(super) fn describe(
    user: u32,
    required: AccessKind,
    path: &Path,
    ownership: &dyn Display,
) -> String {
    let (words, path, letters) = (required.words(), shown(path), required.letters());
    format!("uid {user} may not {words} {path} ({ownership}): it needs permission {letters}")
}

/// Mode, owner and group by name, such as `0660 root:adm`.
fn named(ownership: &Ownership) -> String {
    let owner = name("/etc/passwd", ownership.owner);
    let group = name("/etc/group", ownership.group);
    format!("{:04o} {owner}:{group}", ownership.mode)
}

fn remedy(component: &Component, required: AccessKind) -> String {
    let (path, letters) = (shown(&component.path), required.letters());
    let ownership = Ownership::from(&component.metadata);
    let class = Credentials::own().class(&ownership);
    if ownership.allows(class, required.bits()) {
        return format!(
            "its mode allows it: check its ACL (getfacl {path}), its SELinux label (ls -Z {path}; \
             `:z` relabels a volume of a container) and the AppArmor profile"
        );
    }
    match class {
        Class::Owner => format!("chmod u+{letters} {path}"),
        Class::Group => format!("chmod g+{letters} {path}"),
        Class::Others => for_others(component, required),
    }
}

/// The remedy for a process that is neither the owner nor in the group.
fn for_others(component: &Component, required: AccessKind) -> String {
    let (path, letters) = (shown(&component.path), required.letters());
    let ownership = Ownership::from(&component.metadata);
    let (others, members) = match required {
        AccessKind::Connect => ("0666".to_owned(), "0660".to_owned()),
        AccessKind::Search | AccessKind::List | AccessKind::Read => {
            (format!("o+{letters}"), format!("g+{letters}"))
        }
    };
    let group = name("/etc/group", ownership.group);
    let mut members = if ownership.allows(Class::Group, required.bits()) {
        String::new()
    } else {
        format!(" and chmod {members} {path}")
    };
    // Never suggest to join the group of root.
    let join = if ownership.group == 0 {
        members.insert_str(0, " of the exporter");
        "chgrp it to a group".to_owned()
    } else {
        format!("add the exporter to group {group} (SupplementaryGroups={group})")
    };
    format!("chmod {others} {path}, or {join}{members}")
}

/// The name of a user or group according to a file such as `/etc/passwd` (passwd(5)); its number
/// if there is none.
fn name(file: &str, id: u32) -> String {
    let number = id.to_string();
    let table = std::fs::read_to_string(file).unwrap_or_default();
    let named = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    });
    named.unwrap_or(number)
}
