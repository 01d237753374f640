//! The kinds of source, behind one trait.
//!
//! The only place that knows all kinds: adding one is a file below this, a
//! `mod` line and an arm of `open`. A kind is plain async code on one thread;
//! it may not name actix, HTTP or another kind (but for `directory`, which is
//! made of two).

mod connect;
pub mod dbus;
mod directory;
mod file;
mod uds;

pub(crate) use file::Watches;

use crate::faults::Faults;
use crate::gate::Gate;
use crate::report::PassedOver;
use crate::scrape::{Answer, ScrapeError};
use crate::status::Status;
use futures_util::future::LocalBoxFuture;
use local_exporter_config as config;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// Where a selector's answers come from.
///
/// Whoever calls [`Source::pull`] bounds it in time and may drop it at any
/// point: a source may leave nothing open or half done behind a dropped pull.
pub(crate) trait Source {
    /// One answer, whole.
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, Answer>;

    /// What a pull waits for, or the last one waited for, as the end of a sentence for whoever
    /// gave up on it.
    fn awaits(&self) -> String {
        String::new()
    }

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

/// What a source needs of the host, for whoever takes the rest away from the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Directories in which files are read or awaited, by all the ways that lead there now.
    pub directories: BTreeSet<PathBuf>,
    /// Which sockets are connected to.
    pub sockets: Sockets,
}

/// The kinds of address of a unix socket, `unix(7)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sockets {
    /// A path in the file system.
    ByPath,
    /// A path, or a name that is in no file system.
    Abstract,
}

/// What a source needs, as things are now; looks at directories and links.
#[must_use]
pub fn reach(source: &config::Source) -> Reach {
    let files = |paths: &[PathBuf], options| file::directories(paths, options);
    let (directories, sockets) = match source {
        config::Source::Uds(_) => (BTreeSet::new(), Sockets::ByPath),
        config::Source::Dbus(dbus) => (BTreeSet::new(), dbus::sockets(&dbus.bus)),
        config::Source::File(file) => (files(&file.paths, &file.options), Sockets::ByPath),
        config::Source::Directory(directory) => {
            let path = std::slice::from_ref(&directory.path);
            (
                files(path, &config::FileOptions::default()),
                Sockets::ByPath,
            )
        }
    };
    Reach {
        directories,
        sockets,
    }
}

/// What a source goes to on the host, for whoever looks there beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A socket to connect to.
    Socket(PathBuf),
    /// A file to read.
    File(PathBuf),
    /// A directory to list.
    Directory(PathBuf),
    /// A path in which no name matches, and a name that was passed over.
    Unmatched(PathBuf, Option<PassedOver>),
}

/// Where a source goes, as things are now; looks at directories and links.
pub(crate) fn places(source: &config::Source) -> Vec<Place> {
    match source {
        config::Source::Uds(uds) => vec![Place::Socket(uds.path.clone())],
        config::Source::Dbus(dbus) => {
            let path = dbus::socket_path(&dbus.bus);
            path.into_iter().map(Place::Socket).collect()
        }
        config::Source::File(file) => file::places(&file.paths, &file.options),
        config::Source::Directory(directory) if directory.socket.symlink_metadata().is_ok() => {
            vec![Place::Socket(directory.socket.clone())]
        }
        config::Source::Directory(directory) => {
            let path = std::slice::from_ref(&directory.path);
            file::places(path, &config::FileOptions::default())
        }
    }
}

/// What to change after an error that a kind has its own remedy for.
pub(crate) fn remedy(source: &config::Source, error: &ScrapeError) -> Option<String> {
    match source {
        config::Source::Dbus(dbus) => dbus::remedy(dbus, error),
        config::Source::Uds(_) | config::Source::File(_) | config::Source::Directory(_) => None,
    }
}

/// Whether a source answers from memory, and has to fill it first.
pub(crate) fn has_cache(source: &config::Source) -> bool {
    match source {
        config::Source::Uds(_) | config::Source::Dbus(_) => false,
        config::Source::File(_) | config::Source::Directory(_) => true,
    }
}

/// Makes the source of a selector; nothing is opened yet.
pub(crate) fn open(selector: &config::Selector, surroundings: &Surroundings) -> Rc<dyn Source> {
    let (limits, contract) = (selector.limits, selector.contract);
    let max_bytes = limits.max_bytes;
    let gate = || Gate::new(contract).with_faults(&surroundings.faults);
    match &selector.source {
        config::Source::Uds(uds) => Rc::new(uds::Uds::new(&uds.path, max_bytes, gate())),
        config::Source::Dbus(dbus) => Rc::new(dbus::Dbus::new(dbus.clone(), max_bytes, gate())),
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
