//! Confinement: the process gives up, for good, what it will not need.
//!
//! By means of Landlock (landlock(7)), which asks for no privilege and sets
//! `no_new_privs`. Afterwards this thread, and every thread it starts,
//!
//! - reads nothing but what [`RequiredAccess`] names, and lists nothing else;
//! - writes, makes, removes, renames and executes no file at all;
//! - binds no TCP port but its own, and connects to none;
//! - sends signals to no other process, and reaches sockets of the abstract
//!   kind only where a bus has such an address.
//!
//! What Landlock cannot restrict (as of ABI 6, the newest whose rights are used
//! here): connecting to sockets that have a path, UDP, looking at what files
//! there are (stat(2), inotify(7)), and what was opened before. A kernel that
//! knows less of Landlock restricts less; one that knows nothing of it, nothing.
//! All of that is told in one log line and stops nobody.
//!
//! It must be called before any other thread is started: a thread that is there
//! already keeps its rights. Nothing else in the process may name `landlock`.

mod required_access;
mod stable_ancestor;

pub(crate) use required_access::RequiredAccess;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope,
};
use local_exporter_actors::source::Sockets;
use std::path::Path;

/// The newest version whose rights are taken away: those of later ones are not
/// known to be of no use to the exporter. Version 9 is one of them: it restricts
/// connecting to sockets that have a path.
const KNOWN: ABI = ABI::V6;

/// What a thread may read. (Every version of Landlock restricts that.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadAccess {
    /// Whatever its user may.
    Unrestricted,
    /// What it was said to need.
    Restricted,
}

/// Takes everything else away from this thread, and says in the log what came of it.
/// Returns whether what it reads is restricted from now on.
pub(crate) fn confine(needs: &RequiredAccess) -> ReadAccess {
    let status = match restrict(needs) {
        Ok(status) => status,
        Err(error) => {
            tracing::warn!(%error, "not confined: Landlock failed");
            return ReadAccess::Unrestricted;
        }
    };
    let reads = needs.listed();
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    };
    match status.ruleset {
        RulesetStatus::FullyEnforced => {
            tracing::debug!(%abi, reads, "confined by Landlock");
        }
        RulesetStatus::PartiallyEnforced => {
            tracing::info!(%abi, reads, "confined by Landlock, as far as this kernel knows it");
        }
        RulesetStatus::NotEnforced => tracing::warn!(
            "not confined: Landlock is not in this kernel, switched off, or kept away by a seccomp filter"
        ),
    }
    if let (Some(directory), true) = (&needs.unrestricted_for, abi != ABI::Unsupported) {
        let directory = directory.display();
        tracing::warn!(%directory, "every file may be read, since this is the root, or nothing of it is there yet");
    }
    match status.ruleset {
        RulesetStatus::NotEnforced => ReadAccess::Unrestricted,
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => ReadAccess::Restricted,
    }
}

fn restrict(needs: &RequiredAccess) -> Result<RestrictionStatus, RulesetError> {
    let scope = match needs.sockets {
        Sockets::ByPath => Scope::AbstractUnixSocket | Scope::Signal,
        Sockets::Abstract => Scope::Signal.into(),
    };
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(scope)?
        .create()?;
    let ruleset = needs
        .reads
        .iter()
        .try_fold(ruleset, |ruleset, path| allow_reading(ruleset, path))?;
    let ruleset = needs.ports.iter().try_fold(ruleset, |ruleset, port| {
        ruleset.add_rule(NetPort::new(*port, AccessNet::BindTcp))
    })?;
    ruleset.restrict_self()
}

/// A path that cannot be opened now is left out: what is not allowed is denied, and that is told when it matters.
fn allow_reading(ruleset: RulesetCreated, path: &Path) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else {
        return Ok(ruleset);
    };
    let access: BitFlags<AccessFs> = if path.is_dir() {
        AccessFs::ReadFile | AccessFs::ReadDir
    } else {
        AccessFs::ReadFile.into()
    };
    ruleset.add_rule(PathBeneath::new(opened, access))
}

#[cfg(test)]
mod tests;
