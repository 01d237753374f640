//! The progress of writes by the events of a file, with a paused clock.

use super::write::{LOOK, MAX_ABSENCE, QUIET, REREAD};
use super::*;
use crate::paused::paused;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);
/// How long to wait for a writer to close its file.
const MAX_OPEN: Duration = Duration::from_secs(15);

fn pending_writes() -> PendingWrites {
    PendingWrites::new(MAX_OPEN)
}

fn a() -> &'static OsStr {
    OsStr::new("a")
}

impl PendingWrites {
    fn progress(&self) -> Progress {
        self.snapshot().progress(a())
    }

    /// How long the source waits after a scan that it begins now, if it has seen all events.
    async fn next_look(&self) -> Duration {
        let before = self.before_scan();
        let began = Instant::now();
        self.due(&before, SECOND * 3600).await;
        began.elapsed()
    }

    async fn due_at_once(&self) -> bool {
        let began = Instant::now();
        self.due(&self.snapshot(), SECOND).await;
        began.elapsed().is_zero()
    }
}

#[test]
fn a_file_with_several_names_has_the_progress_of_the_least_reliable() {
    let pending_writes = pending_writes();
    let names = || ["link", "file"].map(OsStr::new).into_iter();
    let progress = || pending_writes.snapshot().progress_of(names());
    assert_eq!(progress(), Progress::Finished);
    pending_writes.was_written(OsStr::new("file"));
    assert_eq!(progress(), Progress::UnderWay);
    let none = pending_writes.snapshot().progress_of(std::iter::empty());
    assert_eq!(none, Progress::Finished);
}

#[test]
fn a_file_is_incomplete_until_it_was_closed_and_stays_quiet() {
    paused(async {
        let pending_writes = pending_writes();
        pending_writes.was_written(a());
        sleep(SECOND * 5).await;
        assert_eq!(pending_writes.progress(), Progress::UnderWay);
        pending_writes.was_closed(a());
        sleep(QUIET - SETTLE).await;
        assert_eq!(pending_writes.progress(), Progress::UnderWay);
        sleep(SETTLE).await;
        assert_eq!(pending_writes.progress(), Progress::Finished);
    });
}

#[test]
fn appends_a_tenth_of_a_second_apart_are_one_write() {
    paused(async {
        let pending_writes = pending_writes();
        for _ in 0..50 {
            pending_writes.was_written(a());
            pending_writes.was_closed(a());
            sleep(SECOND / 10).await;
            assert_eq!(pending_writes.progress(), Progress::UnderWay);
        }
        sleep(QUIET).await;
        assert_eq!(pending_writes.progress(), Progress::Finished);
    });
}

#[test]
fn a_file_that_stays_open_is_read_as_it_is_after_the_patience_and_then_every_two_seconds() {
    paused(async {
        let pending_writes = pending_writes();
        pending_writes.was_written(a());
        assert_eq!(pending_writes.next_look().await, MAX_OPEN);
        let never_closed = || pending_writes.snapshot().is_never_closed([a()].into_iter());
        assert!(never_closed());
        assert_eq!(
            pending_writes.before_scan().progress(a()),
            Progress::Overdue
        );
        assert_eq!(pending_writes.progress(), Progress::UnderWay);
        for _ in 0..3 {
            pending_writes.was_written(a());
            assert_eq!(pending_writes.next_look().await, REREAD);
            assert_eq!(
                pending_writes.before_scan().progress(a()),
                Progress::Overdue
            );
        }
        // Nothing is written any more.
        assert_eq!(pending_writes.next_look().await, SECOND * 3600);
        assert!(never_closed());
        pending_writes.was_closed(a());
        assert_eq!(pending_writes.next_look().await, QUIET);
        assert!(!never_closed());
        pending_writes.was_written(a());
        assert_eq!(pending_writes.progress(), Progress::UnderWay);
        assert!(!never_closed());
    });
}

#[test]
fn a_daemon_that_writes_without_a_break_counts_as_one_that_never_closes() {
    paused(async {
        let pending_writes = pending_writes();
        let began = Instant::now();
        while began.elapsed() < MAX_OPEN {
            assert_eq!(
                pending_writes.progress(),
                match began.elapsed() {
                    Duration::ZERO => Progress::Finished,
                    _ => Progress::UnderWay,
                }
            );
            pending_writes.was_written(a());
            sleep(QUIET / 4).await;
            pending_writes.was_closed(a());
            sleep(QUIET / 4).await;
        }
        assert_eq!(pending_writes.progress(), Progress::Overdue);
    });
}

#[test]
fn bytes_written_to_an_open_file_cause_a_look_ten_times_in_a_second() {
    paused(async {
        let pending_writes = pending_writes();
        pending_writes.was_written(a());
        let before = pending_writes.before_scan();
        for _ in 0..1000 {
            pending_writes.was_written(a());
        }
        let began = Instant::now();
        pending_writes.due(&before, SECOND).await;
        assert_eq!(began.elapsed(), LOOK);
    });
}

#[test]
fn a_removed_file_is_awaited_for_a_second_and_no_longer() {
    paused(async {
        let pending_writes = pending_writes();
        pending_writes.was_removed(a());
        assert_eq!(pending_writes.progress(), Progress::Removed);
        assert_eq!(pending_writes.next_look().await, MAX_ABSENCE);
        assert_eq!(pending_writes.progress(), Progress::Finished);
        // Another file replaces it, and is written for some time.
        pending_writes.was_removed(a());
        sleep(SECOND / 2).await;
        pending_writes.was_created(a());
        assert_eq!(pending_writes.progress(), Progress::UnderWay);
        pending_writes.was_written(a());
        sleep(SECOND).await;
        assert_eq!(pending_writes.progress(), Progress::UnderWay);
        pending_writes.was_closed(a());
        sleep(QUIET).await;
        assert_eq!(pending_writes.progress(), Progress::Finished);
    });
}

#[test]
fn any_number_of_events_is_one_wake_up() {
    paused(async {
        let pending_writes = pending_writes();
        let before = pending_writes.before_scan();
        for _ in 0..1000 {
            pending_writes.was_created(a());
            pending_writes.was_closed(a());
        }
        let began = Instant::now();
        pending_writes.due(&before, SECOND).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(pending_writes.next_look().await, QUIET);
    });
}

#[test]
fn a_write_that_ended_before_the_snapshot_has_begun_nevertheless() {
    paused(async {
        let pending_writes = pending_writes();
        let before = pending_writes.snapshot();
        pending_writes.was_written(a());
        pending_writes.was_closed(a());
        sleep(QUIET * 2).await;
        let after = pending_writes.snapshot();
        assert_eq!(after.progress(a()), Progress::Finished);
        assert!(after.has_begun_since(&before));
        assert!(!pending_writes.snapshot().has_begun_since(&after));
        pending_writes.was_overwritten(a());
        assert!(pending_writes.snapshot().has_begun_since(&after));
    });
}

#[test]
fn a_replaced_file_is_finished_at_once_and_a_touched_one_is_not() {
    paused(async {
        let pending_writes = pending_writes();
        pending_writes.was_written(a());
        pending_writes.was_touched();
        assert_eq!(pending_writes.progress(), Progress::UnderWay);
        assert!(pending_writes.due_at_once().await);
        pending_writes.was_replaced(a());
        assert_eq!(pending_writes.progress(), Progress::Finished);
        assert!(pending_writes.due_at_once().await);
        let _ = pending_writes.before_scan();
        assert!(!pending_writes.due_at_once().await);
    });
}

#[test]
fn the_number_of_tracked_writes_is_limited_and_finished_ones_are_forgotten() {
    paused(async {
        let pending_writes = pending_writes();
        for number in 0..2 * MAX_TRACKED {
            let name = number.to_string();
            pending_writes.was_written(OsStr::new(&name));
            pending_writes.was_closed(OsStr::new(&name));
        }
        assert_eq!(pending_writes.snapshot().files.len(), MAX_TRACKED);
        // Finished writes are removed to make room.
        sleep(QUIET).await;
        pending_writes.was_written(OsStr::new("next"));
        assert_eq!(pending_writes.snapshot().files.len(), 1);
        pending_writes.was_closed(OsStr::new("next"));
        sleep(REREAD + QUIET).await;
        let _ = pending_writes.snapshot();
        assert!(pending_writes.snapshot().files.is_empty());
    });
}
