//! The files of one source that are being written now, as far as events tell.
//!
//! The thread of the watcher reports events here, and the background task of the
//! source waits for them. Holds only "something changed" and the state of each
//! write, so that any number of events costs the same. Does no I/O.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// The time for which a closed file counts as being written, since its writer may open it again. Also
/// the shortest time between two scans and between a scan and its use: a storm of events causes no
/// more scans than that, and events about a file that changed during a scan have arrived by then.
pub(in crate::source) const SETTLE: Duration = Duration::from_millis(10);

/// The time for which a file that is being written is left alone. If its writer does not finish by then,
/// the file is read as it is, again after each such time.
const MAX_WRITE: Duration = Duration::from_secs(2);

/// A write that follows another within this time continues it: a daemon that writes without a
/// break does not count as finished between two writes.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// The most files whose writes are tracked at once. Further ones are read as they are.
const MAX_TRACKED: usize = 64;

/// The pending writes of one source, shared by the watcher thread and the source.
#[derive(Debug, Default)]
pub(in crate::source) struct PendingWrites {
    changed: Notify,
    tracked: Mutex<Tracked>,
}

/// Writes by the name of the file.
#[derive(Debug, Default)]
struct Tracked {
    writes: HashMap<OsString, Write>,
    /// The number of writes that have begun.
    begun: u64,
}

/// A write to one file, in progress or recent.
#[derive(Clone, Copy, Debug)]
struct Write {
    since: Instant,
    /// The time at which the writer closed the file; `None` while it is open.
    closed: Option<Instant>,
    /// The number of the latest write that this one continues.
    begun: u64,
}

/// The pending writes at one moment.
#[derive(Clone, Debug, Default)]
pub(in crate::source) struct WriteSnapshot {
    files: HashMap<OsString, (Progress, u64)>,
    begun: u64,
    /// The time until the progress of a file changes if no event arrives before.
    pub(in crate::source) due: Option<Duration>,
}

/// The progress of writing a file, from the most to the least reliable content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::source) enum Progress {
    /// No write is pending.
    Finished,
    /// A write is in progress or ended a moment ago: its content is about to be replaced.
    UnderWay,
    /// A write takes too long: its content may be half of what is to come.
    Overdue,
}

impl PendingWrites {
    /// Bytes were written to a file that its writer has not closed yet.
    pub(in crate::source) fn was_written(&self, name: &OsStr) {
        if self.tracked().begin(name, None) {
            // Wakes the source to compute when the write becomes overdue.
            self.changed.notify_one();
        }
    }

    /// The stamp of a file shows that it was overwritten after it was read.
    pub(in crate::source) fn was_overwritten(&self, name: &OsStr) {
        self.tracked().begin(name, Some(Instant::now()));
        self.changed.notify_one();
    }

    /// A file was closed by its writer, who may open it again at once.
    pub(in crate::source) fn was_closed(&self, name: &OsStr) {
        if let Some(write) = self.tracked().writes.get_mut(name) {
            write.closed = Some(Instant::now());
        }
        self.changed.notify_one();
    }

    /// A file was replaced, created or removed.
    pub(in crate::source) fn was_replaced(&self, name: &OsStr) {
        self.tracked().writes.remove(name);
        self.changed.notify_one();
    }

    /// Something changed, and it is unknown what.
    pub(in crate::source) fn anything_changed(&self) {
        self.tracked().writes.clear();
        self.changed.notify_one();
    }

    /// The pending writes for a scan that is about to begin. Overdue ones are forgotten until the
    /// next bytes are written.
    pub(in crate::source) fn before_scan(&self) -> WriteSnapshot {
        let snapshot = self.snapshot();
        let progress = |write: &Write| write.progress().0;
        self.tracked()
            .writes
            .retain(|_, write| progress(write) != Progress::Overdue);
        snapshot
    }

    /// The pending writes now.
    pub(in crate::source) fn snapshot(&self) -> WriteSnapshot {
        let mut tracked = self.tracked();
        let mut snapshot = WriteSnapshot {
            begun: tracked.begun,
            ..WriteSnapshot::default()
        };
        tracked.writes.retain(|name, write| {
            let (progress, left) = write.progress();
            if progress != Progress::Finished {
                snapshot.due = Some(snapshot.due.map_or(left, |due| due.min(left)));
            }
            let file = (progress, write.begun);
            snapshot.files.insert(name.clone(), file);
            // A finished write is kept for a while, for scans that began before its end.
            progress != Progress::Finished || !left.is_zero()
        });
        snapshot
    }

    /// Resolves after a change, including one before the call, or after `at_most`.
    pub(in crate::source) async fn changed(&self, at_most: Duration) {
        // Either is enough: that the timer was first is no error.
        let _ = timeout(at_most, self.changed.notified()).await;
    }

    /// A poisoned lock is used: no entry is ever half changed.
    fn tracked(&self) -> MutexGuard<'_, Tracked> {
        self.tracked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tracked {
    /// Records the beginning of a write, which has ended already if `closed`. Returns whether it
    /// is recorded and not the continuation of a file that is still open.
    fn begin(&mut self, name: &OsStr, closed: Option<Instant>) -> bool {
        let before = self.writes.get(name).copied();
        if before.is_none() && self.writes.len() >= MAX_TRACKED {
            self.writes
                .retain(|_, write| write.progress().0 != Progress::Finished);
        }
        let full = before.is_none() && self.writes.len() >= MAX_TRACKED;
        if full || before.is_some_and(|write| write.closed.is_none()) {
            return false;
        }
        let continues = |write: &Write| write.closed.is_some_and(|end| end.elapsed() < MAX_PAUSE);
        let continued = before.filter(continues);
        self.begun += 1;
        let write = Write {
            since: continued.map_or_else(Instant::now, |write| write.since),
            closed,
            begun: self.begun,
        };
        self.writes.insert(name.to_owned(), write);
        true
    }
}

impl Write {
    /// The progress, and how long it stays the same if no event arrives.
    fn progress(&self) -> (Progress, Duration) {
        let left = MAX_WRITE.saturating_sub(self.since.elapsed());
        let quiet = self.closed.map(|end| end.elapsed());
        match quiet {
            Some(quiet) if quiet >= SETTLE => (Progress::Finished, MAX_WRITE.saturating_sub(quiet)),
            _ if left.is_zero() => (Progress::Overdue, left),
            Some(quiet) => (Progress::UnderWay, left.min(SETTLE.saturating_sub(quiet))),
            None => (Progress::UnderWay, left),
        }
    }
}

impl WriteSnapshot {
    /// The progress of a file with several names: that of the least reliable one.
    pub(in crate::source) fn progress_of<'n>(
        &self,
        names: impl Iterator<Item = &'n OsStr>,
    ) -> Progress {
        let worst = names.map(|name| self.progress(name)).max();
        worst.unwrap_or(Progress::Finished)
    }

    fn progress(&self, name: &OsStr) -> Progress {
        let known = self.files.get(name);
        known.map_or(Progress::Finished, |(progress, _)| *progress)
    }

    /// Whether a write that was under way in `earlier` is not any more.
    pub(in crate::source) fn has_ended_since(&self, earlier: &Self) -> bool {
        let under_way = |progress| progress == Progress::UnderWay;
        let mut before = earlier.files.iter().filter(|(_, (it, _))| under_way(*it));
        before.any(|(name, _)| !under_way(self.progress(name)))
    }

    /// Whether a write has begun to a file for which none was pending in `earlier`.
    pub(in crate::source) fn has_begun_since(&self, earlier: &Self) -> bool {
        let later = |begun: &u64| *begun > earlier.begun;
        let mut begun = self.files.iter().filter(|(_, (_, begun))| later(begun));
        begun.any(|(name, _)| earlier.progress(name) == Progress::Finished)
    }
}

#[cfg(test)]
mod tests;
