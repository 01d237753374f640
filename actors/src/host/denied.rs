//! The cause of a denied connection to a socket, as the end of an error message.
//!
//! Names the permission that is missing. If none is, the denial came from a
//! security module or an ACL. Users and groups are numbers, since a confined
//! process may not read their names. Blocks for as long as a file system hangs.

use super::mode::{Credentials, Ownership};
use super::path_walk::{self, Component};
use super::permission::{self, AccessKind};
use local_exporter_config::shown;
use std::io::ErrorKind;
use std::path::Path;

/// The cause of a denied connection to an absolute path; empty if the path no longer exists.
pub(crate) fn denial_hint(path: &Path) -> String {
    let walk = path_walk::walk(path);
    if matches!(&walk.end, Err(error) if error.error.kind() != ErrorKind::PermissionDenied) {
        return String::new();
    }
    let passed = walk.passed.iter();
    let passed = passed.map(|component| Step::new(component, AccessKind::Search));
    let end = walk
        .end
        .iter()
        .map(|component| Step::new(component, AccessKind::Connect));
    hint(&Credentials::own(), passed.chain(end))
}

/// One component of the path of a socket, with the access that it requires.
#[derive(Debug)]
struct Step<'a> {
    path: &'a Path,
    ownership: Ownership,
    required: AccessKind,
    /// Whether the kernel allows it.
    allowed: bool,
}

impl<'a> Step<'a> {
    fn new(component: &'a Component, required: AccessKind) -> Self {
        Self {
            path: &component.path,
            ownership: Ownership::from(&component.metadata),
            required,
            allowed: permission::is_allowed(component, required),
        }
    }
}

fn hint<'a>(credentials: &Credentials, mut steps: impl Iterator<Item = Step<'a>>) -> String {
    let Some(step) = steps.find(|step| !step.allowed) else {
        return "; its permissions would allow it: probably denied by SELinux or AppArmor"
            .to_owned();
    };
    let (path, ownership) = (step.path, step.ownership);
    if ownership.allows(credentials.class(&ownership), step.required.bits()) {
        let path = shown(path);
        return format!(
            "; the mode of {path} ({ownership}) would allow it: probably denied by SELinux, \
             AppArmor or an ACL"
        );
    }
    let missing = permission::describe(credentials.user, step.required, path, &ownership);
    format!("; {missing}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mode, an owner, a group, and whether the kernel allows the access.
    type At = (u32, u32, u32, bool);

    fn of(directory: At, socket: At) -> String {
        let credentials = Credentials {
            user: 7,
            groups: vec![4],
        };
        let step = |path, (mode, owner, group, allowed), required| Step {
            path: Path::new(path),
            ownership: Ownership { mode, owner, group },
            required,
            allowed,
        };
        let steps = [
            step("/run/it", directory, AccessKind::Search),
            step("/run/it/sock", socket, AccessKind::Connect),
        ];
        hint(&credentials, steps.into_iter())
    }

    #[test]
    fn the_component_without_a_permission_is_named_and_no_other() {
        let open = (0o755, 0, 0, true);
        let public = (0o666, 0, 0, true);
        let labelled = "; its permissions would allow it: probably denied by SELinux or AppArmor";
        let cases = [
            // Others, the group, the owner.
            (
                open,
                (0o660, 0, 9, false),
                "; uid 7 may not connect to /run/it/sock (0660 0:9): it needs permission w",
            ),
            (
                open,
                (0o646, 0, 4, false),
                "; uid 7 may not connect to /run/it/sock (0646 0:4): it needs permission w",
            ),
            (
                open,
                (0o466, 7, 4, false),
                "; uid 7 may not connect to /run/it/sock (0466 7:4): it needs permission w",
            ),
            // The first component that is denied.
            (
                (0o750, 0, 0, false),
                (0o600, 0, 0, false),
                "; uid 7 may not search /run/it (0750 0:0): it needs permission x",
            ),
            // The kernel denies what the mode allows.
            (
                open,
                (0o660, 0, 4, false),
                "; the mode of /run/it/sock (0660 0:4) would allow it: probably denied by SELinux, \
                 AppArmor or an ACL",
            ),
            (
                (0o755, 0, 0, false),
                public,
                "; the mode of /run/it (0755 0:0) would allow it: probably denied by SELinux, \
                 AppArmor or an ACL",
            ),
            // Nothing is missing, possibly because of an ACL or a capability.
            (open, public, labelled),
            (open, (0o660, 0, 4, true), labelled),
            (open, (0o600, 0, 0, true), labelled),
        ];
        for (directory, socket, expected) in cases {
            assert_eq!(of(directory, socket), expected);
        }
    }
}
