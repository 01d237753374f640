//! Whether a path leads to something that was deleted and is only still mounted.
//!
//! A daemon's restart may delete and re-create its runtime directory, its socket
//! or its file; a bind mount of the old one then shows what is dead for ever
//! (moby#22789, systemd#6087). Its link count is 0 (stat(2)), which tells it from
//! a directory that is merely empty. Looks at names, opens nothing.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What to tell of a path on a dead mount; nothing for any other.
pub(super) fn hint(path: &Path) -> String {
    let dead = |path: &&Path| std::fs::metadata(path).is_ok_and(|found| found.nlink() == 0);
    match path.ancestors().find(dead) {
        Some(dead) => format!(
            "; {} was deleted and is only still mounted: mount its parent directory instead",
            dead.display()
        ),
        None => String::new(),
    }
}
