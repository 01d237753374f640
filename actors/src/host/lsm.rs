//! Denials by a Linux security module (LSM): Landlock or `AppArmor`.
//!
//! Landlock applies when a file is opened, but not to `access(2)`, which asks whether
//! the permissions would allow it, so the two can be distinguished. `AppArmor`
//! behaves the same. How the process is confined is not known here.

use rustix::fs::{Access, access};
use std::io;
use std::path::Path;

/// The end of an error message for a path that was denied although its permissions allow reading;
/// empty for any other error.
#[must_use]
pub fn denial_hint(path: &Path, error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied && access(path, Access::READ_OK).is_ok() {
        "; its permissions allow it, so this is Landlock (the exporter reads only where its paths \
         led when it started: restart it, or set service.landlock = false) or AppArmor"
    } else {
        ""
    }
}
