//! What is going on in the watched directories, as one source sees it.
//!
//! Holds no more than "something changed" and which files are in the middle of
//! being written, so that any number of events costs the same. It does no I/O.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a writer that keeps a file open is waited for; one that never
/// closes it is read as far as it got.
const LONGEST_WRITE: Duration = Duration::from_secs(2);
/// More files than this at once are not kept apart: they are read as they are.
const MOST_WRITTEN: usize = 64;

/// Whether the writers have finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quiet {
    Finished,
    /// Somebody keeps a file open: what is in it may be half of what is to come.
    Unfinished,
}

/// The events of one source, told by the watcher's thread and awaited by the source.
#[derive(Debug, Default)]
pub(super) struct Activity {
    changed: Notify,
    written: Mutex<HashSet<OsString>>,
}

impl Activity {
    /// Bytes were written to a file that its writer has not closed yet.
    pub(super) fn is_written(&self, name: &OsStr) {
        let mut written = self.written();
        if written.len() < MOST_WRITTEN && !written.contains(name) {
            written.insert(name.to_owned());
        }
    }

    /// A file was closed by its writer, replaced, created or removed.
    pub(super) fn has_changed(&self, name: &OsStr) {
        self.written().remove(name);
        self.changed.notify_one();
    }

    /// Something changed, and nobody can say what.
    pub(super) fn anything_changed(&self) {
        self.written().clear();
        self.changed.notify_one();
    }

    /// Whether a file is in the middle of being written.
    pub(super) fn is_under_way(&self) -> bool {
        !self.written().is_empty()
    }

    /// Resolves after a change, which may have been before this was called, or after `at_most`.
    pub(super) async fn changed(&self, at_most: Duration) {
        // Either is enough: that the timer won is no error.
        let _ = timeout(at_most, self.changed.notified()).await;
    }

    /// Resolves when nothing is being written, or has been for too long.
    pub(super) async fn settled(&self) -> Quiet {
        let quiet = async {
            while self.is_under_way() {
                self.changed.notified().await;
            }
        };
        match timeout(LONGEST_WRITE, quiet).await {
            Ok(()) => Quiet::Finished,
            Err(_) => {
                self.written().clear();
                Quiet::Unfinished
            }
        }
    }

    /// A failed lock only means that a panic passed by; names are whole all the same.
    fn written(&self) -> MutexGuard<'_, HashSet<OsString>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
