use super::*;
use crate::paused::paused;

#[test]
fn a_file_is_as_far_as_the_least_reliable_of_its_names() {
    let pending_writes = PendingWrites::default();
    let names = || ["link", "file"].map(OsStr::new).into_iter();
    assert_eq!(
        pending_writes.writing().progress_of(names()),
        Progress::Finished
    );
    pending_writes.is_written(OsStr::new("file"));
    assert_eq!(
        pending_writes.writing().progress_of(names()),
        Progress::UnderWay
    );
    assert_eq!(
        pending_writes.writing().progress_of(std::iter::empty()),
        Progress::Finished
    );
}

#[test]
fn a_file_is_left_alone_for_a_while_and_then_overdue() {
    paused(async {
        let pending_writes = PendingWrites::default();
        let name = OsStr::new("a");
        pending_writes.is_written(name);
        let before = pending_writes.writing();
        assert_eq!(before.progress(name), Progress::UnderWay);
        assert_eq!(before.due, Some(LONGEST_WRITE));
        tokio::time::sleep(LONGEST_WRITE).await;
        assert_eq!(
            pending_writes.before_reading().progress(name),
            Progress::Overdue
        );
        assert_eq!(pending_writes.writing().progress(name), Progress::Finished);
        // The writer goes on: it is left alone for another while.
        pending_writes.is_written(name);
        let again = pending_writes.writing();
        assert_eq!(again.progress(name), Progress::UnderWay);
        assert!(!again.has_begun_since(&before));
        pending_writes.is_written(OsStr::new("b"));
        assert!(pending_writes.writing().has_begun_since(&before));
    });
}

#[test]
fn any_number_of_events_is_one_wake_up_and_a_moment_after_closing_it_is_finished() {
    paused(async {
        let pending_writes = PendingWrites::default();
        let name = OsStr::new("a");
        for _ in 0..1000 {
            pending_writes.is_written(name);
            pending_writes.was_closed(name);
        }
        let closed = pending_writes.writing();
        assert_eq!(closed.progress(name), Progress::UnderWay);
        assert_eq!(closed.due, Some(SETTLE));
        tokio::time::sleep(SETTLE).await;
        let after = pending_writes.writing();
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
fn a_writing_that_is_over_before_it_is_asked_for_has_begun_all_the_same() {
    paused(async {
        let pending_writes = PendingWrites::default();
        let name = OsStr::new("a");
        let before = pending_writes.writing();
        pending_writes.is_written(name);
        pending_writes.was_closed(name);
        tokio::time::sleep(SETTLE * 2).await;
        let after = pending_writes.writing();
        assert_eq!(after.progress(name), Progress::Finished);
        assert!(after.has_begun_since(&before));
        assert!(!pending_writes.writing().has_begun_since(&after));
        pending_writes.was_touched(name);
        assert!(pending_writes.writing().has_begun_since(&after));
    });
}

#[test]
fn a_daemon_that_writes_without_a_break_is_overdue_at_last() {
    paused(async {
        let pending_writes = PendingWrites::default();
        let name = OsStr::new("a");
        let began = Instant::now();
        while began.elapsed() < LONGEST_WRITE {
            pending_writes.is_written(name);
            tokio::time::sleep(SETTLE / 2).await;
            pending_writes.was_closed(name);
            assert_ne!(pending_writes.writing().progress(name), Progress::Finished);
            tokio::time::sleep(SETTLE / 2).await;
        }
        assert_eq!(pending_writes.writing().progress(name), Progress::Overdue);
    });
}

#[test]
fn what_was_replaced_is_finished_at_once() {
    paused(async {
        let pending_writes = PendingWrites::default();
        let name = OsStr::new("a");
        pending_writes.is_written(name);
        pending_writes.has_changed(name);
        assert_eq!(pending_writes.writing().progress(name), Progress::Finished);
    });
}

#[test]
fn what_is_known_of_writers_ends() {
    paused(async {
        let pending_writes = PendingWrites::default();
        for number in 0..2 * MOST_WRITTEN {
            let name = number.to_string();
            pending_writes.is_written(OsStr::new(&name));
            pending_writes.was_closed(OsStr::new(&name));
        }
        assert_eq!(pending_writes.writing().files.len(), MOST_WRITTEN);
        // Those that came to an end make room.
        tokio::time::sleep(SETTLE).await;
        pending_writes.is_written(OsStr::new("next"));
        assert_eq!(pending_writes.writing().files.len(), 1);
        pending_writes.was_closed(OsStr::new("next"));
        tokio::time::sleep(LONGEST_WRITE + SETTLE).await;
        let _ = pending_writes.writing();
        assert!(pending_writes.writing().files.is_empty());
    });
}
