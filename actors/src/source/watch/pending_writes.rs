//! The files of one source that are being written or replaced now, as far as events show.
//!
//! The thread of the watcher reports events here, and the background task of the
//! source waits for them. Holds only "something changed" and the state of each
//! write, so that any number of events costs the same. Does no I/O.

mod write;

pub(in crate::source) use write::Progress;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use write::{Stage, Write};

/// The shortest time between two scans and between a scan and its use: a storm of events causes no
/// more scans than that, and events about a file that changed during a scan have arrived by then.
pub(in crate::source) const SETTLE: Duration = Duration::from_millis(10);

/// The most files whose writes are tracked at once. Further ones are read as they are.
const MAX_TRACKED: usize = 1024;

/// The pending writes of one source, shared by the watcher thread and the source.
#[derive(Debug)]
pub(in crate::source) struct PendingWrites {
    changed: Notify,
    tracked: Mutex<Tracked>,
    /// How long to wait for a writer to close its file.
    max_open: Duration,
}

/// Writes by the name of the file.
#[derive(Debug, Default)]
struct Tracked {
    writes: HashMap<OsString, Write>,
    /// The number of writes that have begun.
    begun: u64,
    /// Whether something has changed that the source has to look at now.
    look: bool,
}

/// The pending writes at one moment.
#[derive(Clone, Debug, Default)]
pub(in crate::source) struct WriteSnapshot {
    files: HashMap<OsString, FileState>,
    begun: u64,
    /// The time until the progress of a file changes if no event arrives before.
    pub(in crate::source) due: Option<Duration>,
}

/// A write at one moment.
#[derive(Clone, Copy, Debug)]
struct FileState {
    progress: Progress,
    begun: u64,
    never_closed: bool,
}

impl PendingWrites {
    /// A writer that has not closed its file after `max_open` counts as one that never does.
    pub(in crate::source) fn new(max_open: Duration) -> Self {
        Self {
            changed: Notify::new(),
            tracked: Mutex::default(),
            max_open,
        }
    }

    /// Bytes were written to a file that its writer has not closed yet.
    pub(in crate::source) fn was_written(&self, name: &OsStr) {
        if self.tracked().begin(name, Stage::Open) {
            // Wakes the source to determine when to look at the file.
            self.changed.notify_one();
        }
    }

    fn look_now(&self, mut tracked: MutexGuard<'_, Tracked>) {
        tracked.look = true;
        drop(tracked);
        self.changed.notify_one();
    }

    /// A file was created: by a writer that has it open, or as a link.
    pub(in crate::source) fn was_created(&self, name: &OsStr) {
        let mut tracked = self.tracked();
        tracked.begin(name, Stage::closed_now());
        self.look_now(tracked);
    }

    /// The stamp of a file shows that it was overwritten after it was read.
    pub(in crate::source) fn was_overwritten(&self, name: &OsStr) {
        self.was_created(name);
    }

    /// A file was closed by its writer, who may open it again at once.
    pub(in crate::source) fn was_closed(&self, name: &OsStr) {
        if let Some(write) = self.tracked().writes.get_mut(name) {
            write.was_closed();
        }
        self.changed.notify_one();
    }

    /// A file was removed or renamed: it may be about to be replaced.
    pub(in crate::source) fn was_removed(&self, name: &OsStr) {
        let mut tracked = self.tracked();
        tracked.writes.remove(name);
        tracked.begin(name, Stage::removed_now());
        self.look_now(tracked);
    }

    /// A file was replaced as a whole.
    pub(in crate::source) fn was_replaced(&self, name: &OsStr) {
        let mut tracked = self.tracked();
        tracked.writes.remove(name);
        self.look_now(tracked);
    }

    /// Something other than the content of a file has changed, such as its permissions.
    pub(in crate::source) fn was_touched(&self) {
        self.look_now(self.tracked());
    }

    /// Something changed, and it is unknown what.
    pub(in crate::source) fn anything_changed(&self) {
        let mut tracked = self.tracked();
        tracked.writes.clear();
        self.look_now(tracked);
    }

    /// The pending writes for a scan that is about to begin, which looks at all of them.
    pub(in crate::source) fn before_scan(&self) -> WriteSnapshot {
        let snapshot = self.snapshot();
        let mut tracked = self.tracked();
        tracked.look = false;
        for write in tracked.writes.values_mut() {
            write.looked_at(self.max_open);
        }
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
            let (progress, left) = write.progress(self.max_open);
            if progress != Progress::Finished {
                snapshot.due = [snapshot.due, left].into_iter().flatten().min();
            }
            let state = FileState {
                progress,
                begun: write.begun,
                never_closed: write.is_never_closed(self.max_open),
            };
            snapshot.files.insert(name.clone(), state);
            // A finished write is kept for a while, for scans that began before its end.
            progress != Progress::Finished || left.is_some_and(|left| !left.is_zero())
        });
        snapshot
    }

    /// Resolves when the source has to look at its files again after a scan that knew `earlier`, or
    /// after `at_most`.
    pub(in crate::source) async fn due(&self, earlier: &WriteSnapshot, at_most: Duration) {
        let end = Instant::now() + at_most;
        loop {
            let now = self.snapshot();
            // A write that the scan left out may have ended since, without another event.
            if self.tracked().look || now.has_ended_since(earlier) {
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            let left = now.due.map_or(left, |due| due.min(left));
            if timeout(left, self.changed.notified()).await.is_err() {
                return;
            }
        }
    }

    /// A poisoned lock is used: no entry is ever half changed.
    fn tracked(&self) -> MutexGuard<'_, Tracked> {
        self.tracked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tracked {
    /// Records the beginning of a write, or its continuation. Returns whether the source must be
    /// notified.
    fn begin(&mut self, name: &OsStr, stage: Stage) -> bool {
        let before = self.writes.get_mut(name);
        if let (Some(write), Stage::Open) = (before, stage)
            && write.stage.is_open()
        {
            return write.bytes_were_written();
        }
        let before = self.writes.get(name).copied();
        if before.is_none() && self.writes.len() >= MAX_TRACKED {
            self.writes.retain(|_, write| !write.is_over());
            if self.writes.len() >= MAX_TRACKED {
                return false;
            }
        }
        self.begun += 1;
        let write = Write::continuing(before, stage, self.begun);
        self.writes.insert(name.to_owned(), write);
        true
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

    /// Whether a file, by one of its names, has stayed open for longer than `max_open`.
    pub(in crate::source) fn is_never_closed<'n>(
        &self,
        mut names: impl Iterator<Item = &'n OsStr>,
    ) -> bool {
        names.any(|name| self.files.get(name).is_some_and(|state| state.never_closed))
    }

    fn progress(&self, name: &OsStr) -> Progress {
        let known = self.files.get(name);
        known.map_or(Progress::Finished, |state| state.progress)
    }

    /// Whether a write that was under way in `earlier` is not any more.
    pub(in crate::source) fn has_ended_since(&self, earlier: &Self) -> bool {
        let under_way = |progress| matches!(progress, Progress::Removed | Progress::UnderWay);
        let before = earlier.files.iter();
        let mut before = before.filter(|(_, state)| under_way(state.progress));
        before.any(|(name, _)| !under_way(self.progress(name)))
    }

    /// Whether a write has begun to a file for which none was pending in `earlier`.
    pub(in crate::source) fn has_begun_since(&self, earlier: &Self) -> bool {
        let later = |state: &FileState| state.begun > earlier.begun;
        let mut begun = self.files.iter().filter(|(_, state)| later(state));
        begun.any(|(name, _)| earlier.progress(name) == Progress::Finished)
    }
}

#[cfg(test)]
mod tests;
