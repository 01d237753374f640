//! Confinement: the process permanently gives up the access that it does not need.
//!
//! It uses Landlock (landlock(7)), which needs no privilege and sets `no_new_privs`. Afterwards this
//! thread, and every thread that it starts,
//!
//! - reads and lists only what [`RequiredAccess`] names;
//! - writes, creates, removes, renames and executes no file;
//! - binds only its own TCP ports, and connects to none;
//! - sends no signal to other processes, and connects to abstract sockets only if a bus has such an
//!   address.
//!
//! Landlock cannot restrict the following (as of ABI 6, the newest whose rights are used here):
//! connecting to sockets with a path, UDP, looking at the existence of files (stat(2), inotify(7)), and
//! files that are open already. An older kernel restricts less, and one without Landlock nothing. A log
//! line says so; the exporter runs in any case.
//!
//! Call it before starting threads: existing threads keep their access. No other module may name
//! `landlock`.

mod required_access;
mod stable_ancestor;

pub(crate) use required_access::RequiredAccess;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope,
};
use local_exporter_actors::source::Sockets;
use local_exporter_config::{PathAccess, shown};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The newest ABI whose rights are given up. Later ones may include rights that the exporter needs:
/// ABI 9 restricts connecting to sockets with a path.
const KNOWN_ABI: ABI = ABI::V6;

/// Whether reading is restricted. (Every version of Landlock restricts it.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadAccess {
    /// The thread may read whatever its user may.
    Unrestricted,
    /// The thread may read only what it requires.
    Restricted,
}

/// The required access with its paths opened, so that confining accesses no file system.
#[derive(Debug)]
pub(crate) struct Rules {
    required: RequiredAccess,
    opened: Vec<(OwnedFd, PathType)>,
}

/// The type of a path in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathType {
    Directory,
    Other,
}

impl Rules {
    /// Opens the paths, each with a deadline. Skips a path that cannot be opened now: reading it later
    /// is denied and reported.
    pub(crate) fn open(required: RequiredAccess, access: &PathAccess) -> Self {
        let open = |path: &PathBuf| {
            let owned = path.clone();
            match access.run(path, move || open_for_rule(&owned)) {
                Ok(opened) => opened,
                Err(error) => {
                    let path = shown(path);
                    tracing::warn!(%path, %error, "not readable until a restart: cannot open it");
                    None
                }
            }
        };
        Self {
            opened: required.reads.iter().filter_map(open).collect(),
            required,
        }
    }

    /// The access that they grant.
    pub(crate) fn into_required(self) -> RequiredAccess {
        self.required
    }
}

/// Opens a path for a rule. Opening a directory does not ask its file system about it, so this succeeds
/// for a mount point of one that hangs.
fn open_for_rule(path: &Path) -> Option<(OwnedFd, PathType)> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let open = |flags| rustix::fs::open(path, flags, Mode::empty());
    match open(flags | OFlags::DIRECTORY) {
        Ok(directory) => Some((directory, PathType::Directory)),
        Err(Errno::NOTDIR) => Some((open(flags).ok()?, PathType::Other)),
        Err(_) => None,
    }
}

/// Restricts this thread to these rules and logs the result.
pub(crate) fn confine(rules: &Rules) -> ReadAccess {
    let required = &rules.required;
    let status = match restrict(rules) {
        Ok(status) => status,
        Err(error) => {
            tracing::warn!(%error, "not confined: Landlock failed");
            return ReadAccess::Unrestricted;
        }
    };
    let reads = required.listed();
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    };
    match status.ruleset {
        RulesetStatus::FullyEnforced => {
            tracing::info!(%abi, reads, "confined by Landlock");
        }
        RulesetStatus::PartiallyEnforced => {
            tracing::info!(%abi, reads, "confined by Landlock; this kernel supports only a part of it");
        }
        RulesetStatus::NotEnforced => tracing::warn!(
            "not confined: the kernel lacks Landlock, it is disabled, or a seccomp filter forbids it"
        ),
    }
    if let (Some(directory), true) = (&required.unrestricted_for, abi != ABI::Unsupported) {
        let path = shown(directory);
        tracing::warn!(%path, "all files stay readable: this path is the root, or no part of it exists yet");
    }
    match status.ruleset {
        RulesetStatus::NotEnforced => ReadAccess::Unrestricted,
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => ReadAccess::Restricted,
    }
}

fn restrict(rules: &Rules) -> Result<RestrictionStatus, RulesetError> {
    let scope = match rules.required.sockets {
        Sockets::ByPath => Scope::AbstractUnixSocket | Scope::Signal,
        Sockets::Abstract => Scope::Signal.into(),
    };
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN_ABI))?
        .handle_access(AccessNet::from_all(KNOWN_ABI))?
        .scope(scope)?
        .create()?;
    let ruleset = rules.opened.iter().try_fold(ruleset, allow_reading)?;
    let mut ports = rules.required.ports.iter();
    let ruleset = ports.try_fold(ruleset, |ruleset, port| {
        ruleset.add_rule(NetPort::new(*port, AccessNet::BindTcp))
    })?;
    ruleset.restrict_self()
}

fn allow_reading(
    ruleset: RulesetCreated,
    (opened, path_type): &(OwnedFd, PathType),
) -> Result<RulesetCreated, RulesetError> {
    let access: BitFlags<AccessFs> = match path_type {
        PathType::Directory => AccessFs::ReadFile | AccessFs::ReadDir,
        PathType::Other => AccessFs::ReadFile.into(),
    };
    ruleset.add_rule(PathBeneath::new(opened, access))
}

#[cfg(test)]
mod tests;
