//! What is going on in the watched directories, as one source sees it.
//!
//! Holds no more than "something changed" and which files are in the middle of
//! being written, so that any number of events costs the same. It does no I/O.

use super::SETTLE;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// How long a file that is being written is left alone; one whose writer never
/// comes to an end is read as far as it got, again and again.
const LONGEST_WRITE: Duration = Duration::from_secs(2);
/// What follows upon a writing this soon belongs to it: a daemon that writes
/// again and again is not taken for one that has come to an end each time.
const ONE_WRITING: Duration = Duration::from_millis(50);
/// More files than this at once are not kept apart: they are read as they are.
const MOST_WRITTEN: usize = 64;

/// The events of one source, told by the watcher's thread and awaited by the source.
#[derive(Debug, Default)]
pub(super) struct PendingWrites {
    changed: Notify,
    written: Mutex<Written>,
}

/// What is known of writers, by the name of what they write.
#[derive(Debug, Default)]
struct Written {
    files: HashMap<OsString, File>,
    /// How often a file was begun to be written.
    begun: u64,
}

/// A file that is in the middle of being written, or was lately.
#[derive(Clone, Copy, Debug)]
struct File {
    since: Instant,
    /// When its writer closed it, unless it is at it still.
    closed: Option<Instant>,
    /// The number of its latest beginning.
    begun: u64,
}

/// The files that are in the middle of being written, at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteSnapshot {
    files: HashMap<OsString, (Progress, u64)>,
    begun: u64,
    /// When one of them is to be looked at, if nothing happens before.
    pub(super) due: Option<Duration>,
}

/// How far the writing of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// Nobody is at it.
    Finished,
    /// Somebody is, or was a moment ago: what is in it is about to be replaced.
    UnderWay,
    /// Somebody has been for too long: what is in it may be half of what is to come.
    Overdue,
}

impl PendingWrites {
    /// Bytes were written to a file that its writer has not closed yet.
    pub(super) fn is_written(&self, name: &OsStr) {
        if self.written().begin(name, None) {
            // So that it is looked at when it is overdue, if not before.
            self.changed.notify_one();
        }
    }

    /// A file turned out to be another than it was when it was read.
    pub(super) fn was_touched(&self, name: &OsStr) {
        self.written().begin(name, Some(Instant::now()));
        self.changed.notify_one();
    }

    /// A file was closed by its writer, who may open it again at once.
    pub(super) fn was_closed(&self, name: &OsStr) {
        if let Some(file) = self.written().files.get_mut(name) {
            file.closed = Some(Instant::now());
        }
        self.changed.notify_one();
    }

    /// A file was replaced, created or removed.
    pub(super) fn has_changed(&self, name: &OsStr) {
        self.written().files.remove(name);
        self.changed.notify_one();
    }

    /// Something changed, and nobody can say what.
    pub(super) fn anything_changed(&self) {
        self.written().files.clear();
        self.changed.notify_one();
    }

    /// The files being written now, for whoever is about to read them: those
    /// overdue are forgotten, to be known again by the next bytes.
    pub(super) fn before_reading(&self) -> WriteSnapshot {
        let writing = self.writing();
        let progress = |file: &File| file.progress().0;
        self.written()
            .files
            .retain(|_, file| progress(file) != Progress::Overdue);
        writing
    }

    /// The files being written now.
    pub(super) fn writing(&self) -> WriteSnapshot {
        let mut written = self.written();
        let mut writing = WriteSnapshot {
            begun: written.begun,
            ..WriteSnapshot::default()
        };
        written.files.retain(|name, file| {
            let (progress, left) = file.progress();
            if progress != Progress::Finished {
                writing.due = Some(writing.due.map_or(left, |due| due.min(left)));
            }
            writing.files.insert(name.clone(), (progress, file.begun));
            // What came to an end is remembered for whoever was reading meanwhile.
            progress != Progress::Finished || !left.is_zero()
        });
        writing
    }

    /// Resolves after a change, which may have been before this was called, or after `at_most`.
    pub(super) async fn changed(&self, at_most: Duration) {
        // Either is enough: that the timer won is no error.
        let _ = timeout(at_most, self.changed.notified()).await;
    }

    /// A failed lock only means that a panic passed by; entries are whole all the same.
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    /// Notes the beginning of a writing, which is over already if `closed`; whether it was change.
    fn begin(&mut self, name: &OsStr, closed: Option<Instant>) -> bool {
        let before = self.files.get(name).copied();
        if before.is_none() && self.files.len() >= MOST_WRITTEN {
            let goes_on = |file: &File| file.progress().0 != Progress::Finished;
            self.files.retain(|_, file| goes_on(file));
        }
        let full = before.is_none() && self.files.len() >= MOST_WRITTEN;
        if full || before.is_some_and(|file| file.closed.is_none()) {
            return false;
        }
        let goes_on = |file: &File| file.closed.is_some_and(|end| end.elapsed() < ONE_WRITING);
        self.begun += 1;
        let file = File {
            since: before
                .filter(goes_on)
                .map_or_else(Instant::now, |file| file.since),
            closed,
            begun: self.begun,
        };
        self.files.insert(name.to_owned(), file);
        true
    }
}

impl File {
    /// How far its writing is, and for how long that stays so if nothing happens.
    fn progress(&self) -> (Progress, Duration) {
        let left = LONGEST_WRITE.saturating_sub(self.since.elapsed());
        let quiet = self.closed.map(|end| end.elapsed());
        match quiet {
            Some(quiet) if quiet >= SETTLE => {
                (Progress::Finished, LONGEST_WRITE.saturating_sub(quiet))
            }
            _ if left.is_zero() => (Progress::Overdue, left),
            Some(quiet) => (Progress::UnderWay, left.min(SETTLE.saturating_sub(quiet))),
            None => (Progress::UnderWay, left),
        }
    }
}

impl WriteSnapshot {
    /// How far the writing of a file is that has all of these names: that under which it is least
    /// to be relied on.
    pub(super) fn progress_of<'n>(&self, names: impl Iterator<Item = &'n OsStr>) -> Progress {
        let worst = names.map(|name| self.progress(name)).max();
        worst.unwrap_or(Progress::Finished)
    }

    fn progress(&self, name: &OsStr) -> Progress {
        let known = self.files.get(name);
        known.map_or(Progress::Finished, |(progress, _)| *progress)
    }

    /// Whether a file is no longer being written that was when `earlier` was asked.
    pub(super) fn has_ended_since(&self, earlier: &Self) -> bool {
        let under_way = |progress| progress == Progress::UnderWay;
        let mut before = earlier.files.iter().filter(|(_, (it, _))| under_way(*it));
        before.any(|(name, _)| !under_way(self.progress(name)))
    }

    /// Whether a file was begun to be written that nobody was at when `earlier` was asked.
    pub(super) fn has_begun_since(&self, earlier: &Self) -> bool {
        let mut begun = self
            .files
            .iter()
            .filter(|(_, (_, begun))| *begun > earlier.begun);
        begun.any(|(name, _)| earlier.progress(name) == Progress::Finished)
    }
}

#[cfg(test)]
mod tests;
