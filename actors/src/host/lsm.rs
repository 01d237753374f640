//! Denials by a Linux security module (LSM): Landlock or `AppArmor`.
//!
//! Landlock and `AppArmor` deny `open(2)` but not `access(2)`. If `access(2)` succeeds and `open(2)`
//! fails, a security module denied it. This module does not know how the process is confined.

use rustix::fs::{Access, access};
use std::io;
use std::path::Path;

/// The end of an error message for a path that was denied although its permissions allow reading;
/// empty for any other error.
#[must_use]
pub fn denial_hint(path: &Path, error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied && access(path, Access::READ_OK).is_ok() {
        "; its permissions allow it, so this is Landlock (the exporter reads only where its paths \
         led when it started: restart it, add the directory to service.readable, or set \
         service.landlock = false) or AppArmor"
    } else {
        ""
    }
}
