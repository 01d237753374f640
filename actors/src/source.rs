//! Sources: one module per kind, behind two traits.
//!
//! The only module that knows every kind, and it knows each in one line of
//! the function `kind`. CONTRIBUTING.md says how to add one.

mod connect;
pub mod dbus;
mod directory;
mod file;
mod kind;
mod uds;
mod watch;

pub use kind::{Descriptors, FileAccess, Sockets};
pub(crate) use kind::{Kind, RequiredPath, Source, SourceContext};
pub(crate) use watch::Watches;

use local_exporter_config as config;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The kind of a source.
pub(crate) fn kind(source: &config::Source) -> &dyn Kind {
    match source {
        config::Source::Uds(uds) => uds,
        config::Source::Dbus(dbus) => dbus,
        config::Source::File(file) => file,
        config::Source::Directory(directory) => directory,
    }
}

/// The directories and sockets that a source accesses, as links and directories are now.
///
/// Blocks for as long as a file system hangs.
#[must_use]
pub fn access(source: &config::Source) -> FileAccess {
    kind(source).access()
}

/// The configured paths of the files and directories of a source, as they are written.
#[must_use]
pub fn file_paths(source: &config::Source) -> Vec<PathBuf> {
    kind(source).file_paths()
}

/// The most bodies of `max_bytes` that a source holds at the same time.
#[must_use]
pub fn bodies(source: &config::Source) -> u32 {
    kind(source).bodies()
}

/// Logs what users should know about all selectors together.
pub(crate) fn report(selectors: &[config::Selector]) {
    let mut buses = BTreeMap::<&str, usize>::new();
    for bus in selectors
        .iter()
        .filter_map(|selector| kind(&selector.source).bus())
    {
        *buses.entry(bus).or_default() += 1;
    }
    for (bus, selectors) in buses {
        dbus::report_selectors(bus, selectors);
    }
}

/// The number of file descriptors that a source may need in addition to one per scrape.
#[must_use]
pub fn descriptors(source: &config::Source) -> Descriptors {
    kind(source).descriptors()
}
