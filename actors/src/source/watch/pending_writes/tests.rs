//! The progress of writes by the events of a file, with a paused clock.

use super::*;
use crate::paused::paused;

#[test]
fn a_file_with_several_names_has_the_progress_of_the_least_reliable() {
    let pending_writes = PendingWrites::default();
    let names = || ["link", "file"].map(OsStr::new).into_iter();
    assert_eq!(
        pending_writes.snapshot().progress_of(names()),
        Progress::Finished
    );
    pending_writes.was_written(OsStr::new("file"));
    assert_eq!(
        pending_writes.snapshot().progress_of(names()),
        Progress::UnderWay
    );
    assert_eq!(
        pending_writes.snapshot().progress_of(std::iter::empty()),
        Progress::Finished
    );
}

#[test]
fn a_file_that_is_being_written_is_left_alone_until_it_is_overdue() {
    paused(async {
        let pending_writes = PendingWrites::default();
        let name = OsStr::new("a");
        pending_writes.was_written(name);
        let before = pending_writes.snapshot();
        assert_eq!(before.progress(name), Progress::UnderWay);
        assert_eq!(before.due, Some(MAX_WRITE));
        tokio::time::sleep(MAX_WRITE).await;
        assert_eq!(
            pending_writes.before_scan().progress(name),
            Progress::Overdue
        );
        assert_eq!(pending_writes.snapshot().progress(name), Progress::Finished);
        // The writer goes on: the file is left alone for another while.
        pending_writes.was_written(name);
        let again = pending_writes.snapshot();
        assert_eq!(again.progress(name), Progress::UnderWay);
        assert!(!again.has_begun_since(&before));
        pending_writes.was_written(OsStr::new("b"));
        assert!(pending_writes.snapshot().has_begun_since(&before));
    });
}

#[test]
fn any_number_of_events_is_one_wake_up_and_a_closed_file_is_finished_soon() {
    paused(async {
        let pending_writes = PendingWrites::default();
        let name = OsStr::new("a");
        for _ in 0..1000 {
            pending_writes.was_written(name);
            pending_writes.was_closed(name);
        }
        let closed = pending_writes.snapshot();
        assert_eq!(closed.progress(name), Progress::UnderWay);
        assert_eq!(closed.due, Some(SETTLE));
        tokio::time::sleep(SETTLE).await;
        let after = pending_writes.snapshot();
        assert_eq!(after.progress(name), Progress::Finished);
        assert!(after.has_ended_since(&closed) && !after.has_ended_since(&after));
        let second = Duration::from_secs(1);
        let before = Instant::now();
        pending_writes.changed(second).await;
        assert_eq!(before.elapsed(), Duration::ZERO);
        pending_writes.changed(second).await;
        assert_eq!(before.elapsed(), second);
    });
}

#[test]
fn a_write_that_ended_before_the_snapshot_has_begun_nevertheless() {
    paused(async {
        let pending_writes = PendingWrites::default();
        let name = OsStr::new("a");
        let before = pending_writes.snapshot();
        pending_writes.was_written(name);
        pending_writes.was_closed(name);
        tokio::time::sleep(SETTLE * 2).await;
        let after = pending_writes.snapshot();
        assert_eq!(after.progress(name), Progress::Finished);
        assert!(after.has_begun_since(&before));
        assert!(!pending_writes.snapshot().has_begun_since(&after));
        pending_writes.was_overwritten(name);
        assert!(pending_writes.snapshot().has_begun_since(&after));
    });
}

#[test]
fn a_daemon_that_writes_without_a_break_becomes_overdue() {
    paused(async {
        let pending_writes = PendingWrites::default();
        let name = OsStr::new("a");
        let began = Instant::now();
        while began.elapsed() < MAX_WRITE {
            pending_writes.was_written(name);
            tokio::time::sleep(SETTLE / 2).await;
            pending_writes.was_closed(name);
            assert_ne!(pending_writes.snapshot().progress(name), Progress::Finished);
            tokio::time::sleep(SETTLE / 2).await;
        }
        assert_eq!(pending_writes.snapshot().progress(name), Progress::Overdue);
    });
}

#[test]
fn a_replaced_file_is_finished_at_once() {
    paused(async {
        let pending_writes = PendingWrites::default();
        let name = OsStr::new("a");
        pending_writes.was_written(name);
        pending_writes.was_replaced(name);
        assert_eq!(pending_writes.snapshot().progress(name), Progress::Finished);
    });
}

#[test]
fn the_number_of_tracked_writes_is_limited_and_finished_ones_are_forgotten() {
    paused(async {
        let pending_writes = PendingWrites::default();
        for number in 0..2 * MAX_TRACKED {
            let name = number.to_string();
            pending_writes.was_written(OsStr::new(&name));
            pending_writes.was_closed(OsStr::new(&name));
        }
        assert_eq!(pending_writes.snapshot().files.len(), MAX_TRACKED);
        // Finished writes are removed to make room.
        tokio::time::sleep(SETTLE).await;
        pending_writes.was_written(OsStr::new("next"));
        assert_eq!(pending_writes.snapshot().files.len(), 1);
        pending_writes.was_closed(OsStr::new("next"));
        tokio::time::sleep(MAX_WRITE + SETTLE).await;
        let _ = pending_writes.snapshot();
        assert!(pending_writes.snapshot().files.is_empty());
    });
}
