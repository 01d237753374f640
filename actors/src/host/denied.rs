//! Why a connection to a socket was denied, as the end of a sentence.
//!
//! For a scrape that has just failed: says which permission is lacking, and where none is, that it
//! was somebody else who said no. Looks at names alone, and gives users by number, since a confined
//! process may not read what they are called. Blocks for as long as a file system hangs.

use super::mode::{Credentials, Ownership};
use super::path_walk::{self, Component};
use super::permission::{self, RequiredAccess};
use std::io::ErrorKind;
use std::path::Path;

/// What to tell of an absolute path that this process was not let connect to.
pub(crate) fn denied(path: &Path) -> String {
    let walk = path_walk::walk(path);
    // What was denied is not there any more.
    if matches!(&walk.end, Err(broken) if broken.error.kind() != ErrorKind::PermissionDenied) {
        return String::new();
    }
    let passed = walk.passed.iter();
    let passed = passed.map(|component| Step::new(component, RequiredAccess::Search));
    let end = walk
        .end
        .iter()
        .map(|component| Step::new(component, RequiredAccess::Connect));
    hint(&Credentials::own(), passed.chain(end))
}

/// One name on the way to a socket.
#[derive(Debug)]
struct Step<'a> {
    path: &'a Path,
    ownership: Ownership,
    required: RequiredAccess,
    /// What the kernel says.
    may: bool,
}

impl<'a> Step<'a> {
    fn new(component: &'a Component, required: RequiredAccess) -> Self {
        Self {
            path: &component.path,
            ownership: Ownership::from(&component.metadata),
            required,
            may: permission::may(component, required),
        }
    }
}

fn hint<'a>(credentials: &Credentials, mut steps: impl Iterator<Item = Step<'a>>) -> String {
    let Some(step) = steps.find(|step| !step.may) else {
        return "; its permissions would allow it: SELinux or AppArmor is likely".to_owned();
    };
    let (path, ownership) = (step.path, step.ownership);
    if ownership.allows(credentials.class(&ownership), step.required.bit()) {
        let path = path.display();
        return format!(
            "; the mode of {path} ({ownership}) would allow it: SELinux or AppArmor is likely, or \
             its ACL says no"
        );
    }
    let lacks = permission::lacks(credentials.user, step.required, path, &ownership);
    format!("; {lacks}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mode, an owner, a group, and what the kernel says.
    type At = (u32, u32, u32, bool);

    fn of(directory: At, socket: At) -> String {
        let credentials = Credentials {
            user: 7,
            groups: vec![4],
        };
        let step = |path, (mode, owner, group, may), required| Step {
            path: Path::new(path),
            ownership: Ownership { mode, owner, group },
            required,
            may,
        };
        let steps = [
            step("/run/it", directory, RequiredAccess::Search),
            step("/run/it/sock", socket, RequiredAccess::Connect),
        ];
        hint(&credentials, steps.into_iter())
    }

    #[test]
    fn what_lacks_a_permission_is_named_and_nothing_else_blamed_for_it() {
        let open = (0o755, 0, 0, true);
        let everybody = (0o666, 0, 0, true);
        let labelled = "; its permissions would allow it: SELinux or AppArmor is likely";
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
            // The first that says no.
            (
                (0o750, 0, 0, false),
                (0o600, 0, 0, false),
                "; uid 7 may not search /run/it (0750 0:0): it needs permission x",
            ),
            // A mode of which the kernel says no all the same.
            (
                open,
                (0o660, 0, 4, false),
                "; the mode of /run/it/sock (0660 0:4) would allow it: SELinux or AppArmor is \
                 likely, or its ACL says no",
            ),
            (
                (0o755, 0, 0, false),
                everybody,
                "; the mode of /run/it (0755 0:0) would allow it: SELinux or AppArmor is likely, \
                 or its ACL says no",
            ),
            // Nothing lacks, be it for an ACL or a capability that the mode does not tell of.
            (open, everybody, labelled),
            (open, (0o660, 0, 4, true), labelled),
            (open, (0o600, 0, 0, true), labelled),
        ];
        for (directory, socket, expected) in cases {
            assert_eq!(of(directory, socket), expected);
        }
    }
}
