//! Sources: one module per kind, behind two traits.
//!
//! The only module that knows every kind, and it knows each in one line of
//! [`kind`]. CONTRIBUTING.md says how to add one.

mod connect;
pub mod dbus;
mod directory;
mod file;
mod kind;
mod uds;

pub(crate) use file::watch::Watches;
pub use kind::{Descriptors, FileAccess, Sockets};
pub(crate) use kind::{Kind, RequiredPath, Source, SourceContext};

use local_exporter_config as config;

/// The kind of a source.
pub(crate) fn kind(source: &config::Source) -> &dyn Kind {
    match source {
        config::Source::Uds(uds) => uds,
        config::Source::Dbus(dbus) => dbus,
        config::Source::File(file) => file,
        config::Source::Directory(directory) => directory,
    }
}

/// What a source accesses on the host, as links and directories are now.
///
/// Blocks for as long as a file system hangs.
#[must_use]
pub fn access(source: &config::Source) -> FileAccess {
    kind(source).access()
}

/// How many file descriptors a source may need in addition to one for each scrape.
#[must_use]
pub fn descriptors(source: &config::Source) -> Descriptors {
    kind(source).descriptors()
}
