//! The traits of a source: [`Kind`] for its settings, [`Source`] for one that is open.
//!
//! Every kind implements both, in one module. A kind is plain async code on one
//! thread. It must not name actix or HTTP, nor another kind (except `directory`,
//! which combines two).

use super::watch::Watches;
use crate::blocking::BlockingPool;
use crate::faults::Faults;
use crate::report::PassedOver;
use crate::scrape::{ScrapeError, ScrapeResult};
use crate::secret_files::SecretFiles;
use crate::shared::SharedValues;
use crate::status::Status;
use futures_util::future::LocalBoxFuture;
use local_exporter_config as config;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// The settings of a source, from which it is opened.
///
/// Implemented by the settings of each kind in `local_exporter_config`.
pub(crate) trait Kind {
    /// The name of the source in error messages and on pages.
    fn label(&self) -> String;

    /// Creates the source of a selector. Opens nothing and does not block.
    fn open(&self, selector: &config::Selector, context: &SourceContext) -> Rc<dyn Source>;

    /// The directories and sockets that the source accesses, as links and directories are now. Blocks.
    fn access(&self) -> FileAccess;

    /// The configured paths of files and directories, as they are written.
    fn file_paths(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The paths that must be usable for a scrape to succeed, as links and directories are now.
    /// Blocks.
    fn required_paths(&self) -> Vec<RequiredPath>;

    /// The number of file descriptors that the source may need in addition to one per scrape.
    fn descriptors(&self) -> Descriptors {
        Descriptors::default()
    }

    /// The most bodies of `max_bytes` that the source holds at the same time. By default: one that is
    /// read, with room to grow, and the last one, for `min_interval`.
    fn bodies(&self) -> u32 {
        4
    }

    /// The bus to which sources of this kind share connections, if they do.
    fn bus(&self) -> Option<&str> {
        None
    }

    /// Whether the source serves scrapes from a cache, which its background task fills first.
    fn has_cache(&self) -> bool {
        false
    }

    /// The remedy for an error, if the kind has a more specific one than that of the reason.
    fn remedy(&self, _error: &ScrapeError) -> Option<String> {
        None
    }
}

/// An open source: where the bodies of a selector come from.
pub(crate) trait Source {
    /// Obtains one whole body.
    ///
    /// The caller limits its time and may drop the future at any await point: a dropped pull must
    /// leave nothing open and nothing half done.
    fn pull(self: Rc<Self>) -> LocalBoxFuture<'static, ScrapeResult>;

    /// The cause for which the current or the latest pull waits, as the end of the message of a
    /// timeout. Empty by default.
    fn waiting_for(&self) -> String {
        String::new()
    }

    /// The cached result, for a source with a cache that is filled.
    fn cached(&self) -> Option<ScrapeResult> {
        None
    }

    /// A task that runs for as long as the actor does, such as keeping a cache up to date. Its
    /// end is a failure of the actor.
    fn background(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        None
    }
}

/// The parts of the process that a source may use.
#[derive(Clone, Debug)]
pub(crate) struct SourceContext {
    /// The only inotify instance of the process.
    pub(crate) watches: Watches,
    /// The threads for work that blocks.
    pub(crate) blocking: BlockingPool,
    /// The files that no source serves.
    pub(crate) secret_files: SecretFiles,
    /// The status to which the source reports its reads.
    pub(crate) status: Arc<Status>,
    /// What sources share, on all threads and on that of this actor.
    pub(crate) shared: SharedValues,
    pub(crate) shared_by_thread: SharedValues,
    /// Failures that tests inject.
    pub(crate) faults: Faults,
}

/// The directories and sockets that a source accesses; the sandbox allows nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAccess {
    /// Absolute paths of the directories in which files are read, existing or not, by every path
    /// that links lead through now.
    pub directories: BTreeSet<PathBuf>,
    /// The kind of address of the sockets that the source connects to.
    pub sockets: Sockets,
}

/// The kinds of address of a unix socket, `unix(7)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sockets {
    /// A path in the file system.
    ByPath,
    /// A path, or a name in the abstract namespace, which is in no file system.
    Abstract,
}

/// A path that must be usable for a scrape to succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequiredPath {
    /// A socket to connect to.
    Socket(PathBuf),
    /// A file to read.
    File(PathBuf),
    /// A file to read, or a directory, that was found below a configured directory: the directory, and
    /// its own path.
    Found(Arc<Path>, PathBuf),
    /// A directory to list.
    Directory(PathBuf),
    /// A path that matches no file, and a file that was passed over, if there is one.
    Unmatched(PathBuf, Option<PassedOver>),
}

/// File descriptors that a source may need in addition to one for each scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptors {
    /// Kept open between scrapes.
    pub kept: u64,
    /// Open at the same time during one run of its background task.
    pub background: u64,
}
