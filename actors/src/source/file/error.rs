//! Errors of operations on files, and the time until the next attempt.

use crate::host::lsm::denial_hint;
use crate::host::mounts;
use crate::reason::Reason;
use crate::scrape::ScrapeError;
use local_exporter_config::shown;
use rustix::io::Errno;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The shortest time before a refused operation is tried again.
const MIN_RETRY: Duration = Duration::from_secs(1);

/// The error of an operation on a path, where `operation` reads like "cannot open".
pub(super) fn failed(operation: &str, path: &Path, error: &io::Error) -> ScrapeError {
    let reason = match Errno::from_io_error(error) {
        // A loop of links leads to no file.
        Some(Errno::LOOP | Errno::ISDIR) => Reason::Unsuitable,
        _ => Reason::of_io(error),
    };
    let stale = mounts::stale_hint(path);
    let denial = denial_hint(path, error);
    let path = shown(path);
    ScrapeError::new(
        reason,
        format!("{operation} {path}: {error}{stale}{denial}"),
    )
}

/// The time until the next attempt, after the system has refused something for `lasted`: the same time
/// again, so that attempts are frequent after a short shortage and rare after a long one.
pub(super) fn retry_after(lasted: Duration) -> Duration {
    lasted.max(MIN_RETRY)
}
