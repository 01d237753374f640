//! The kinds of source, behind one trait.
//!
//! The only place that knows all kinds: adding one is a file below this, a
//! `mod` line and an arm of [`open`]. A kind is plain async code on one thread;
//! it may not name actix, HTTP or another kind (but for `directory`, which is
//! made of two).

mod dbus;
mod dead_directory;
mod directory;
mod file;
mod uds;

pub(crate) use file::Watches;

use crate::faults::Faults;
use crate::gate::Gate;
use crate::scrape::Answer;
use crate::status::Status;
use futures_util::future::LocalBoxFuture;
use local_exporter_config as config;
use std::rc::Rc;
use std::sync::Arc;

/// Where a selector's answers come from.
///
/// Whoever calls [`Source::pull`] bounds it in time and may drop it at any
/// point: a source may leave nothing open or half done behind a dropped pull.
pub(crate) trait Source {
    /// One answer, whole.
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, Answer>;

    /// An answer from memory, for a source that keeps one.
    fn at_hand(&self) -> Option<Answer> {
        None
    }

    /// Work that goes on for as long as the actor runs, such as keeping a cache fresh.
    fn upkeep(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        None
    }
}

/// What a source may use of the process.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// The process' one inotify instance.
    pub(crate) watches: Watches,
    /// Where to note what was read.
    pub(crate) status: Arc<Status>,
    /// What is to fail, in tests.
    pub(crate) faults: Faults,
}

/// Makes the source of a selector; nothing is opened yet.
pub(crate) fn open(selector: &config::Selector, surroundings: &Surroundings) -> Rc<dyn Source> {
    let (limits, contract) = (selector.limits, selector.contract);
    let max_bytes = limits.max_bytes;
    match &selector.source {
        config::Source::Uds(uds) => {
            Rc::new(uds::Uds::new(&uds.path, max_bytes, Gate::new(contract)))
        }
        config::Source::Dbus(dbus) => Rc::new(dbus::Dbus::new(
            dbus.clone(),
            max_bytes,
            Gate::new(contract),
        )),
        config::Source::File(file) => {
            let terms = file::Terms {
                paths: file.paths.clone(),
                options: file.options.clone(),
                limits,
                gate: Gate::for_files(contract),
                role: file::Role::Alone,
            };
            Rc::new(file::Files::new(terms, surroundings.clone()))
        }
        config::Source::Directory(directory) => Rc::new(directory::Directory::new(
            directory,
            limits,
            contract,
            surroundings,
        )),
    }
}

/// What a source is called in errors and on pages.
pub(crate) fn label(source: &config::Source) -> String {
    match source {
        config::Source::Uds(uds) => uds.path.display().to_string(),
        config::Source::Dbus(dbus) => {
            let config::DbusSource {
                destination,
                path,
                interface,
                member,
                ..
            } = dbus;
            format!("{destination} {path} {interface}.{member}")
        }
        config::Source::File(file) => file::listed(&file.paths),
        config::Source::Directory(directory) => directory.path.display().to_string(),
    }
}
