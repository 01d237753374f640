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
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope,
};
use local_exporter_actors::source::Sockets;
use local_exporter_config::shown;
use std::path::Path;

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

/// Restricts this thread to `required` and logs the result.
pub(crate) fn confine(required: &RequiredAccess) -> ReadAccess {
    let status = match restrict(required) {
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
            tracing::debug!(%abi, reads, "confined by Landlock");
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

fn restrict(required: &RequiredAccess) -> Result<RestrictionStatus, RulesetError> {
    let scope = match required.sockets {
        Sockets::ByPath => Scope::AbstractUnixSocket | Scope::Signal,
        Sockets::Abstract => Scope::Signal.into(),
    };
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN_ABI))?
        .handle_access(AccessNet::from_all(KNOWN_ABI))?
        .scope(scope)?
        .create()?;
    let ruleset = required
        .reads
        .iter()
        .try_fold(ruleset, |ruleset, path| allow_reading(ruleset, path))?;
    let ruleset = required.ports.iter().try_fold(ruleset, |ruleset, port| {
        ruleset.add_rule(NetPort::new(*port, AccessNet::BindTcp))
    })?;
    ruleset.restrict_self()
}

/// Skips a path that cannot be opened now. Reading it later is denied and reported.
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
