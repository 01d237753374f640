//! Logs the drop-ins with errors, and those that define the same selector.

use local_exporter_config::{ConfigError, DropInState, Rejected, Writable, shown};

/// The most selectors that are defined several times and logged.
const MAX_CONTESTED: usize = 20;
/// The most files and directories that others can change and that are logged.
const MAX_WRITABLE: usize = 20;

/// Logs what is wrong with the drop-ins of a configuration that was loaded.
pub(crate) fn log(warnings: &[ConfigError], state: &DropInState, writable: &[Writable]) {
    for Writable { path, writers } in writable.iter().take(MAX_WRITABLE) {
        let path = shown(path);
        tracing::warn!(%path, %writers, "other users can change drop-ins");
    }
    for error in warnings {
        let file = error.location.file();
        match file.and_then(|file| state.rejected.get(file)) {
            Some(Rejected::Kept) => {
                tracing::warn!(%error, "drop-in has an error; keeping its last valid selectors");
            }
            Some(Rejected::LeftOut) | None => {
                tracing::warn!(%error, "drop-in left out of the configuration");
            }
        }
    }
    for contested in state.contested.iter().take(MAX_CONTESTED) {
        let ignored = contested.ignored.join(", ");
        let (selector, used) = (&contested.selector, &contested.used);
        tracing::warn!(
            selector,
            used,
            ignored,
            "several drop-ins define the selector"
        );
    }
}
