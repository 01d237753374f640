//! Whether a path is denied although its permissions allow it.
//!
//! Landlock judges who opens a file, and not who asks whether he could
//! (`access(2)`), so that the two can be told apart. `AppArmor` does the same.
//! Opens nothing, and knows nothing of how the process is confined.

use rustix::fs::{Access, access};
use std::io;
use std::path::Path;

/// What to tell of a path that was denied though it may be read; nothing for any other error.
#[must_use]
pub fn hint(path: &Path, error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied && access(path, Access::READ_OK).is_ok() {
        "; its permissions allow it, so this is Landlock (the exporter reads only where its paths \
         led when it started: restart it, or set service.landlock = false) or AppArmor"
    } else {
        ""
    }
}
