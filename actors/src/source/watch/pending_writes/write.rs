//! One write to a file, from its first event to the time at which the file is complete.
//!
//! Pure, except for the clock.

use std::time::Duration;
use tokio::time::Instant;

/// A file is complete this long after its last writer has closed it. Scripts append to a file in
/// steps that take longer than a process needs to start.
pub(super) const QUIET: Duration = Duration::from_millis(250);

/// How long a file that was removed may be about to be replaced: `mv` to another file system, and
/// `install`, remove a file and then write it.
pub(super) const MAX_ABSENCE: Duration = Duration::from_secs(1);

/// The time between two looks at a file that is open and is written: its last line may have become
/// `# EOF`.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// The time between two reads of a file that is never closed.
pub(super) const REREAD: Duration = Duration::from_secs(2);

/// The progress of writing a file, from the most to the least reliable content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::source) enum Progress {
    /// No write is pending.
    Finished,
    /// It was removed a moment ago: another one may be about to replace it.
    Removed,
    /// A write is in progress or ended a moment ago: its content is incomplete, unless it ends with
    /// the line `# EOF`.
    UnderWay,
    /// Its writer does not close it: it is read as it is.
    Overdue,
}

/// What the latest event has shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// A writer has the file open.
    Open,
    /// The file was closed at that time.
    Closed(Instant),
    /// The file was removed at that time.
    Removed(Instant),
}

/// A write to one file, in progress or recent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    since: Instant,
    pub(super) stage: Stage,
    /// The number of the latest write that this one continues.
    pub(super) begun: u64,
    /// Whether bytes were written since the source has looked at the file.
    unseen: bool,
    looked_at: Instant,
    /// Whether the source has read it as it is, because it was open for too long.
    read_as_it_is: bool,
}

impl Stage {
    pub(super) fn closed_now() -> Self {
        Self::Closed(Instant::now())
    }

    pub(super) fn removed_now() -> Self {
        Self::Removed(Instant::now())
    }

    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }
}

impl Write {
    /// A write that continues `before`, if that is recent enough.
    pub(super) fn continuing(before: Option<Self>, stage: Stage, begun: u64) -> Self {
        let now = Instant::now();
        let new = Self {
            since: now,
            stage,
            begun,
            unseen: true,
            looked_at: now,
            read_as_it_is: false,
        };
        match before {
            Some(before) if before.is_pending() => Self {
                stage,
                begun,
                unseen: true,
                ..before
            },
            _ => new,
        }
    }

    /// Whether further writes continue this one.
    fn is_pending(&self) -> bool {
        match self.stage {
            Stage::Open => true,
            Stage::Closed(at) => at.elapsed() < QUIET,
            Stage::Removed(_) => false,
        }
    }

    /// Whether it does not delay the file any more.
    pub(super) fn is_over(&self) -> bool {
        match self.stage {
            Stage::Open => false,
            Stage::Closed(at) => at.elapsed() >= QUIET,
            Stage::Removed(at) => at.elapsed() >= MAX_ABSENCE,
        }
    }

    /// Bytes were written to the open file. Returns whether this was not known.
    pub(super) fn bytes_were_written(&mut self) -> bool {
        !std::mem::replace(&mut self.unseen, true)
    }

    /// The file was closed by its writer.
    pub(super) fn was_closed(&mut self) {
        self.stage = Stage::closed_now();
        self.unseen = true;
    }

    /// Whether it has stayed open for longer than `max_open`, without a pause.
    pub(super) fn is_never_closed(&self, max_open: Duration) -> bool {
        self.is_pending() && self.since.elapsed() >= max_open
    }

    /// A look at the file begins.
    pub(super) fn looked_at(&mut self, max_open: Duration) {
        let reads = self.progress(max_open).0 == Progress::Overdue;
        if reads || !self.is_never_closed(max_open) {
            self.looked_at = Instant::now();
            self.unseen = false;
            self.read_as_it_is = reads;
        }
    }

    /// The progress, and how long it stays the same if no event arrives; `None` for ever. For a
    /// finished write, how long it has to be remembered for scans that began before its end.
    pub(super) fn progress(&self, max_open: Duration) -> (Progress, Option<Duration>) {
        let left = |whole: Duration, since: Instant| whole.saturating_sub(since.elapsed());
        let quiet = match self.stage {
            Stage::Removed(at) => {
                let left = left(MAX_ABSENCE, at);
                return match left.is_zero() {
                    true => (Progress::Finished, None),
                    false => (Progress::Removed, Some(left)),
                };
            }
            Stage::Closed(at) if at.elapsed() >= QUIET => {
                return (Progress::Finished, Some(left(REREAD, at)));
            }
            Stage::Closed(at) => Some(left(QUIET, at)),
            Stage::Open => None,
        };
        let next = match self.is_never_closed(max_open) {
            true if !self.read_as_it_is => Some(Duration::ZERO),
            true => self.unseen.then(|| left(REREAD, self.looked_at)),
            false => {
                let look = self.unseen.then(|| left(LOOK, self.looked_at));
                let max_open = left(max_open, self.since);
                Some(look.map_or(max_open, |look| look.min(max_open)))
            }
        };
        match next {
            Some(Duration::ZERO) if self.is_never_closed(max_open) => (Progress::Overdue, next),
            _ => (
                Progress::UnderWay,
                [next, quiet].into_iter().flatten().min(),
            ),
        }
    }
}
