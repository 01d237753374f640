//! Who may: what the kernel says to this uid, and what to change where it says no.
//!
//! Asks by access(2), which counts groups, ACLs and labels in; the mode then tells what to change.

use super::mode::{Class, Owned, Process};
use super::path_walk::Component;
use super::problem::Problem;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::fmt::Display;
use std::path::Path;

/// What is to be done with what a path leads through, or to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Going through a directory.
    Search,
    /// Reading the names in a directory.
    List,
    /// Reading a file.
    Read,
    /// Connecting to a socket.
    Connect,
}

impl Need {
    fn access(self) -> Access {
        match self {
            Self::Search => Access::EXEC_OK,
            Self::List | Self::Read => Access::READ_OK,
            Self::Connect => Access::WRITE_OK,
        }
    }

    /// The letter of the permission.
    fn letter(self) -> char {
        match self {
            Self::Search => 'x',
            Self::List | Self::Read => 'r',
            Self::Connect => 'w',
        }
    }

    /// The bit of the permission among those of others.
    pub(crate) fn bit(self) -> u32 {
        match self {
            Self::Search => 0o1,
            Self::List | Self::Read => 0o4,
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

/// What the kernel says to this process.
pub(crate) fn may(component: &Component, need: Need) -> bool {
    accessat(CWD, &component.path, need.access(), AtFlags::EACCESS) != Err(Errno::ACCESS)
}

/// What to say of a permission that this process lacks.
pub(crate) fn missing(component: &Component, need: Need) -> Option<Problem> {
    if may(component, need) {
        return None;
    }
    let owned = named(&Owned::from(&component.metadata));
    Some(Problem {
        what: lacks(geteuid().as_raw(), need, &component.path, &owned),
        path: component.path.clone(),
        remedy: remedy(component, need),
    })
}

/// What a user lacks, in words.
pub(crate) fn lacks(user: u32, need: Need, path: &Path, owned: &dyn Display) -> String {
    let (words, path, letter) = (need.words(), path.display(), need.letter());
    format!("uid {user} may not {words} {path} ({owned}): it needs permission {letter}")
}

/// Mode, owner and group by their names, as in `0660 root:adm`.
fn named(owned: &Owned) -> String {
    let owner = name("/etc/passwd", owned.owner);
    let group = name("/etc/group", owned.group);
    format!("{:04o} {owner}:{group}", owned.mode)
}

fn remedy(component: &Component, need: Need) -> String {
    let (path, letter) = (component.path.display(), need.letter());
    let owned = Owned::from(&component.metadata);
    let class = Process::own().class(&owned);
    if owned.allows(class, need.bit()) {
        return format!(
            "its mode allows it: look at its ACL (getfacl {path}), its SELinux label (ls -Z \
             {path}; a volume of a container is relabelled by :z) and the AppArmor profile"
        );
    }
    match class {
        Class::Owner => format!("chmod u+{letter} {path}"),
        Class::Group => format!("chmod g+{letter} {path}"),
        Class::Others => for_others(component, need),
    }
}

/// What to change for a process that is neither the owner nor in the group.
fn for_others(component: &Component, need: Need) -> String {
    let (path, letter) = (component.path.display(), need.letter());
    let owned = Owned::from(&component.metadata);
    let (everybody, members) = match need {
        Need::Connect => ("0666".to_owned(), "0660".to_owned()),
        Need::Search | Need::List | Need::Read => (format!("o+{letter}"), format!("g+{letter}")),
    };
    let group = name("/etc/group", owned.group);
    let mut members = if owned.allows(Class::Group, need.bit()) {
        String::new()
    } else {
        format!(" and chmod {members} {path}")
    };
    // Nobody is put into root's group for the sake of a number.
    let join = if owned.group == 0 {
        members.insert_str(0, " that the exporter is in");
        "chgrp it to a group".to_owned()
    } else {
        format!("put the exporter into group {group} (SupplementaryGroups={group})")
    };
    format!("chmod {everybody} {path}, or {join}{members}")
}

/// The name of a user or group by a file such as `/etc/passwd`, passwd(5); else its number.
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
