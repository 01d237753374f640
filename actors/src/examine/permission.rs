//! Who may: what the kernel says to this uid, and what to change where it says no.
//!
//! Asks by access(2), which counts groups, ACLs and labels in; the mode then tells what to change.

use super::trail::Stop;
use super::{Finding, Reason};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid, getgroups};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// What is to be done with what a path leads through, or to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Going through a directory.
    Search,
    /// Reading the names in a directory.
    List,
    /// Reading a file.
    Read,
    /// Connecting to a socket.
    Connect,
}

/// Which of the three parts of a mode holds for this process (`path_resolution(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Owner,
    Group,
    Others,
}

impl Need {
    fn access(self) -> Access {
        match self {
            Self::Search => Access::EXEC_OK,
            Self::List | Self::Read => Access::READ_OK,
            Self::Connect => Access::WRITE_OK,
        }
    }

    /// The letter of the permission, and its bit among those of others.
    fn permission(self) -> (char, u32) {
        match self {
            Self::Search => ('x', 0o1),
            Self::List | Self::Read => ('r', 0o4),
            Self::Connect => ('w', 0o2),
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

/// What to say of a permission that this process lacks.
pub(super) fn lacking(stop: &Stop, need: Need) -> Option<Finding> {
    let asked = accessat(CWD, &stop.path, need.access(), AtFlags::EACCESS);
    if asked != Err(Errno::ACCESS) {
        return None;
    }
    let (path, uid) = (stop.path.display(), geteuid().as_raw());
    let (words, (letter, _)) = (need.words(), need.permission());
    let owned = owned(&stop.found);
    Some(Finding {
        what: format!("uid {uid} may not {words} {path} ({owned}): it needs permission {letter}"),
        path: Some(stop.path.clone()),
        remedy: remedy(stop, need),
        leads_to: &[Reason::Denied],
    })
}

/// Mode, owner and group, as in `0660 root:adm`.
fn owned(found: &Metadata) -> String {
    let mode = found.mode() & 0o7777;
    let owner = name("/etc/passwd", found.uid());
    let group = name("/etc/group", found.gid());
    format!("{mode:04o} {owner}:{group}")
}

fn remedy(stop: &Stop, need: Need) -> String {
    let (path, found) = (stop.path.display(), &stop.found);
    let (letter, bit) = need.permission();
    let class = class(found);
    let shift = match class {
        Class::Owner => 6,
        Class::Group => 3,
        Class::Others => 0,
    };
    if found.mode() & (bit << shift) != 0 {
        return format!(
            "its mode allows it: look at its ACL (getfacl {path}) and its SELinux label \
             (ls -Z {path}; a volume of a container is relabelled by :z)"
        );
    }
    match class {
        Class::Owner => format!("chmod u+{letter} {path}"),
        Class::Group => format!("chmod g+{letter} {path}"),
        Class::Others => for_others(stop, need),
    }
}

/// What to change for a process that is neither the owner nor in the group.
fn for_others(stop: &Stop, need: Need) -> String {
    let (path, found) = (stop.path.display(), &stop.found);
    let (letter, bit) = need.permission();
    let (everybody, members) = match need {
        Need::Connect => ("0666".to_owned(), "0660".to_owned()),
        Need::Search | Need::List | Need::Read => (format!("o+{letter}"), format!("g+{letter}")),
    };
    let group = name("/etc/group", found.gid());
    let mut members = if found.mode() & (bit << 3) == 0 {
        format!(" and chmod {members} {path}")
    } else {
        String::new()
    };
    // Nobody is put into root's group for the sake of a number.
    let join = if found.gid() == 0 {
        members.insert_str(0, " that the exporter is in");
        "chgrp it to a group".to_owned()
    } else {
        format!("put the exporter into group {group} (SupplementaryGroups={group})")
    };
    format!("chmod {everybody} {path}, or {join}{members}")
}

fn class(found: &Metadata) -> Class {
    let groups = getgroups().unwrap_or_default();
    let mut groups = groups.into_iter().chain([getegid()]);
    if found.uid() == geteuid().as_raw() {
        Class::Owner
    } else if groups.any(|group| group.as_raw() == found.gid()) {
        Class::Group
    } else {
        Class::Others
    }
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
