//! Whether a path leads through a directory that was deleted and is only still seen.
//!
//! A daemon's restart may delete and re-create its runtime directory; a bind
//! mount of the old one then shows a dead directory for ever (moby#22789,
//! systemd#6087). Its link count is 0 (stat(2)), which tells it from one that
//! is merely empty. Looks at directories, opens nothing.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What to tell of a path under a dead directory; nothing for any other.
pub(super) fn hint(path: &Path) -> String {
    let dead = |directory: &&Path| {
        let metadata = std::fs::metadata(directory);
        metadata.is_ok_and(|metadata| metadata.is_dir() && metadata.nlink() == 0)
    };
    match path.ancestors().find(dead) {
        Some(directory) => format!(
            "; {} was deleted and is only still mounted: mount its parent directory instead",
            directory.display()
        ),
        None => String::new(),
    }
}
