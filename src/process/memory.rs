//! The memory that the configuration allows, compared with the limit of the control group.
//!
//! [`bound`] is the formula of `docs/src/limits.md`; [`cgroup`] finds the limit. Only logs: the exporter
//! runs in any case.

mod bound;
mod cgroup;

use bytesize::ByteSize;
use local_exporter_config::Settings;

/// Logs a warning if the configuration allows more memory than the control group of the process does.
/// Must be called before confinement, which hides the control groups.
pub(crate) fn warn_if_insufficient(settings: &Settings) {
    let needed = bound::of(settings);
    match cgroup::limit() {
        Some(limit) if needed > limit => {
            let (needed, limit) = (ByteSize(needed), ByteSize(limit));
            tracing::warn!(
                %needed,
                %limit,
                "the control group limits memory to less than the configuration can need; lower max_bytes, \
                 max_connections or max_unread, or raise the limit"
            );
        }
        _ => {}
    }
}
