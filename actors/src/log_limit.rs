//! A limit on log lines about one kind of event, so that a source, a file or a client cannot
//! flood the log.
//!
//! The first [`BURST`] lines are logged at once, and after that one per [`INTERVAL`]. Lines
//! beyond that are counted, and the next line reports their number.

use crate::lock::lock;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// The number of lines that are logged without a pause: enough to see each change of a daemon
/// that restarts a few times.
pub const BURST: u32 = 10;

/// The time until a further line is logged. At most 8,640 lines per day remain.
pub const INTERVAL: Duration = Duration::from_secs(10);

/// The limit on the lines about one kind of event.
#[derive(Debug, Default)]
pub struct LogLimit(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    /// The lines that were logged and are not yet compensated by an interval.
    logged: u32,
    /// The end of the last interval that was counted; set if `logged` is not zero.
    counted_to: Option<Instant>,
    /// Number of lines that were not logged since the last one that was.
    suppressed: u64,
}

/// Permission to log one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Number of lines that were suppressed since the last line.
    suppressed: u64,
}

impl LogLine {
    /// The field `suppressed` of the line; `None`, no field, if no line was suppressed.
    #[must_use]
    pub fn suppressed(self) -> Option<u64> {
        (self.suppressed > 0).then_some(self.suppressed)
    }
}

impl LogLimit {
    /// An event that is worth a line. Returns `None` if the line must not be logged.
    #[must_use]
    pub fn event(&self) -> Option<LogLine> {
        self.events(1).1
    }

    /// `count` events that are worth a line each. Returns how many of them may be logged, and
    /// the permission for the first of these.
    #[must_use]
    pub fn events(&self, count: usize) -> (usize, Option<LogLine>) {
        let mut lines = lock(&self.0);
        let allowed = lines.take(u32::try_from(count).unwrap_or(u32::MAX));
        let line = (allowed > 0).then(|| lines.line());
        let allowed = usize::try_from(allowed).unwrap_or(count);
        let suppressed = u64::try_from(count - allowed).unwrap_or(u64::MAX);
        lines.suppressed = lines.suppressed.saturating_add(suppressed);
        (allowed, line)
    }

    /// Permission for a line about the current state, if lines were suppressed and enough time
    /// has passed since.
    #[must_use]
    pub fn overdue(&self) -> Option<LogLine> {
        let mut lines = lock(&self.0);
        let is_due = lines.suppressed > 0 && lines.take(1) == 1;
        is_due.then(|| lines.line())
    }
}

impl Lines {
    /// Takes up to `count` of the lines that may be logged now.
    fn take(&mut self, count: u32) -> u32 {
        self.count_intervals();
        let allowed = count.min(BURST.saturating_sub(self.logged));
        if allowed > 0 {
            self.logged += allowed;
            self.counted_to.get_or_insert_with(Instant::now);
        }
        allowed
    }

    /// Each interval that has passed compensates one line.
    fn count_intervals(&mut self) {
        let Some(from) = self.counted_to else {
            return;
        };
        let passed = from.elapsed().as_secs() / INTERVAL.as_secs();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        self.logged = self.logged.saturating_sub(passed);
        self.counted_to = match self.logged {
            0 => None,
            _ => Some(from + INTERVAL * passed),
        };
    }

    fn line(&mut self) -> LogLine {
        LogLine {
            suppressed: std::mem::take(&mut self.suppressed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused::paused;
    use tokio::time::sleep;

    fn line(suppressed: u64) -> Option<LogLine> {
        Some(LogLine { suppressed })
    }

    #[test]
    fn after_a_burst_one_line_per_interval_reports_how_many_were_suppressed() {
        paused(async {
            let limit = LogLimit::default();
            for _ in 0..BURST {
                assert_eq!(limit.event(), line(0));
            }
            for _ in 0..1000 {
                assert_eq!(limit.event(), None);
            }
            assert_eq!(limit.overdue(), None, "the interval has not passed");
            sleep(INTERVAL).await;
            assert_eq!(limit.event(), line(1000));
            assert_eq!(limit.event(), None);
            sleep(INTERVAL).await;
            assert_eq!(limit.overdue(), line(1), "also without a further event");
            sleep(INTERVAL).await;
            assert_eq!(limit.overdue(), None, "everything was reported");
        });
    }

    #[test]
    fn a_long_pause_allows_no_more_than_a_burst() {
        paused(async {
            let limit = LogLimit::default();
            assert_eq!(limit.events(4096), (10, line(0)));
            sleep(INTERVAL * 1000).await;
            assert_eq!(limit.events(3), (3, line(4086)));
            assert_eq!(limit.events(4096), (7, line(0)));
        });
    }
}
