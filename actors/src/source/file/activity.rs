//! What is going on in the watched directories, as one source sees it.
//!
//! Holds no more than "something changed" and which files are in the middle of
//! being written, so that any number of events costs the same. It does no I/O.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// How long a file that is being written is left alone; one whose writer never
/// closes it is read as far as it got, again and again.
const LONGEST_WRITE: Duration = Duration::from_secs(2);
/// More files than this at once are not kept apart: they are read as they are.
const MOST_WRITTEN: usize = 64;

/// The events of one source, told by the watcher's thread and awaited by the source.
#[derive(Debug, Default)]
pub(super) struct Activity {
    changed: Notify,
    /// Files in the middle of being written, and since when that is known.
    written: Mutex<HashMap<OsString, Instant>>,
}

/// The files that are in the middle of being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Writing {
    names: HashMap<OsString, Progress>,
    /// When one of them will have been written for too long.
    pub(super) due: Option<Duration>,
}

/// How far the writing of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nobody is at it.
    Finished,
    /// Somebody is: what is in it is about to be replaced.
    UnderWay,
    /// Somebody has been for too long: what is in it may be half of what is to come.
    Overdue,
}

impl Activity {
    /// Bytes were written to a file that its writer has not closed yet.
    pub(super) fn is_written(&self, name: &OsStr) {
        let mut written = self.written();
        if written.len() < MOST_WRITTEN && !written.contains_key(name) {
            written.insert(name.to_owned(), Instant::now());
            // So that it is looked at when it is overdue, if not before.
            self.changed.notify_one();
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

    /// The files being written now; those overdue are forgotten, to be known
    /// again by the next bytes.
    pub(super) fn writing(&self) -> Writing {
        let mut writing = Writing::default();
        self.written().retain(|name, since| {
            let left = LONGEST_WRITE.saturating_sub(since.elapsed());
            let progress = if left.is_zero() {
                Progress::Overdue
            } else {
                writing.due = Some(writing.due.map_or(left, |due| due.min(left)));
                Progress::UnderWay
            };
            writing.names.insert(name.clone(), progress);
            progress == Progress::UnderWay
        });
        writing
    }

    /// Resolves after a change, which may have been before this was called, or after `at_most`.
    pub(super) async fn changed(&self, at_most: Duration) {
        // Either is enough: that the timer won is no error.
        let _ = timeout(at_most, self.changed.notified()).await;
    }

    /// A failed lock only means that a panic passed by; names are whole all the same.
    fn written(&self) -> MutexGuard<'_, HashMap<OsString, Instant>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing {
    /// How far a file is.
    pub(super) fn progress(&self, name: Option<&OsStr>) -> Progress {
        let known = name.and_then(|name| self.names.get(name));
        known.copied().unwrap_or(Progress::Finished)
    }

    /// Whether a file is being written that was not when `earlier` was asked.
    pub(super) fn has_begun_since(&self, earlier: &Self) -> bool {
        let began = |name: &OsString| !earlier.names.contains_key(name);
        self.names.keys().any(began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused::paused;

    #[test]
    fn a_file_is_left_alone_for_a_while_and_then_overdue() {
        paused(async {
            let activity = Activity::default();
            let name = OsStr::new("a");
            activity.is_written(name);
            let before = activity.writing();
            assert_eq!(before.progress(Some(name)), Progress::UnderWay);
            assert_eq!(before.due, Some(LONGEST_WRITE));
            tokio::time::sleep(LONGEST_WRITE).await;
            assert_eq!(activity.writing().progress(Some(name)), Progress::Overdue);
            assert_eq!(activity.writing().progress(Some(name)), Progress::Finished);
            // The writer goes on: it is left alone for another while.
            activity.is_written(name);
            let again = activity.writing();
            assert_eq!(again.progress(Some(name)), Progress::UnderWay);
            assert!(!again.has_begun_since(&before));
            activity.is_written(OsStr::new("b"));
            assert!(activity.writing().has_begun_since(&before));
        });
    }

    #[test]
    fn any_number_of_events_is_one_wake_up_and_closing_ends_the_writing() {
        paused(async {
            let activity = Activity::default();
            let name = OsStr::new("a");
            for _ in 0..1000 {
                activity.is_written(name);
                activity.has_changed(name);
            }
            assert_eq!(activity.writing().progress(Some(name)), Progress::Finished);
            let second = Duration::from_secs(1);
            let before = Instant::now();
            activity.changed(second).await;
            assert_eq!(before.elapsed(), Duration::ZERO);
            activity.changed(second).await;
            assert_eq!(before.elapsed(), second);
        });
    }
}
