//! Limits the share of time that a source spends on scanning its files.
//!
//! Events can arrive faster than files can be read. After each scan the source pauses for a
//! multiple of the time that the scan took; events during the pause cause one scan after it.

use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pause after a scan, in multiples of the time that it took: a source uses at most a quarter
/// of a core.
const PAUSE: u32 = 3;

/// The longest pause: a scan that takes longer has mostly waited for a file system.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The time since the last pause.
#[derive(Debug)]
pub(super) struct Pace {
    longest: Duration,
    /// The end of the last pause.
    since: Instant,
    /// The part of the time since then that was spent waiting for something else.
    idle: Duration,
}

impl Pace {
    /// The first scan may begin at once. No pause exceeds `refresh` and [`MAX_PAUSE`].
    pub(super) fn new(refresh: Duration) -> Self {
        Self {
            longest: refresh.min(MAX_PAUSE),
            since: Instant::now(),
            idle: Duration::ZERO,
        }
    }

    /// Waits for something that is no part of a scan.
    pub(super) async fn idle(&mut self, waiting: impl Future<Output = ()>) {
        let began = Instant::now();
        waiting.await;
        self.idle += began.elapsed();
    }

    /// Waits until the next scan may begin. Time that was spent idle counts as a pause.
    pub(super) async fn pause(&mut self) {
        let busy = self.since.elapsed().saturating_sub(self.idle);
        let pause = busy.saturating_mul(PAUSE).min(self.longest);
        sleep(pause.saturating_sub(self.idle)).await;
        *self = Self::new(self.longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paused::paused;

    const SECOND: Duration = Duration::from_secs(1);

    /// The length of the pause after a scan and some idle time.
    async fn pause_after(look: Duration, idle: Duration) -> Duration {
        let mut pace = Pace::new(SECOND * 10);
        sleep(look).await;
        pace.idle(sleep(idle)).await;
        let before = Instant::now();
        pace.pause().await;
        let pause = before.elapsed();
        let before = Instant::now();
        pace.pause().await;
        assert_eq!(before.elapsed(), Duration::ZERO, "there was no look");
        pause
    }

    #[test]
    fn a_pause_is_three_times_as_long_as_the_look_and_idle_time_counts() {
        paused(async {
            let none = Duration::ZERO;
            assert_eq!(pause_after(none, none).await, none);
            assert_eq!(pause_after(SECOND, none).await, SECOND * 3);
            assert_eq!(pause_after(SECOND, SECOND / 2).await, SECOND * 5 / 2);
            assert_eq!(pause_after(SECOND, SECOND * 4).await, none);
            assert_eq!(pause_after(SECOND * 60, none).await, MAX_PAUSE);
        });
    }
}
