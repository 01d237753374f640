use super::*;
use crate::paused::paused;

#[test]
fn a_file_is_as_far_as_the_least_reliable_of_its_names() {
    let activity = Activity::default();
    let names = || ["link", "file"].map(OsStr::new).into_iter();
    assert_eq!(activity.writing().progress_of(names()), Progress::Finished);
    activity.is_written(OsStr::new("file"));
    assert_eq!(activity.writing().progress_of(names()), Progress::UnderWay);
    assert_eq!(
        activity.writing().progress_of(std::iter::empty()),
        Progress::Finished
    );
}

#[test]
fn a_file_is_left_alone_for_a_while_and_then_overdue() {
    paused(async {
        let activity = Activity::default();
        let name = OsStr::new("a");
        activity.is_written(name);
        let before = activity.writing();
        assert_eq!(before.progress(name), Progress::UnderWay);
        assert_eq!(before.due, Some(LONGEST_WRITE));
        tokio::time::sleep(LONGEST_WRITE).await;
        assert_eq!(activity.before_reading().progress(name), Progress::Overdue);
        assert_eq!(activity.writing().progress(name), Progress::Finished);
        // The writer goes on: it is left alone for another while.
        activity.is_written(name);
        let again = activity.writing();
        assert_eq!(again.progress(name), Progress::UnderWay);
        assert!(!again.has_begun_since(&before));
        activity.is_written(OsStr::new("b"));
        assert!(activity.writing().has_begun_since(&before));
    });
}

#[test]
fn any_number_of_events_is_one_wake_up_and_a_moment_after_closing_it_is_finished() {
    paused(async {
        let activity = Activity::default();
        let name = OsStr::new("a");
        for _ in 0..1000 {
            activity.is_written(name);
            activity.was_closed(name);
        }
        let closed = activity.writing();
        assert_eq!(closed.progress(name), Progress::UnderWay);
        assert_eq!(closed.due, Some(SETTLE));
        tokio::time::sleep(SETTLE).await;
        let after = activity.writing();
        assert_eq!(after.progress(name), Progress::Finished);
        assert!(after.has_ended_since(&closed) && !after.has_ended_since(&after));
        let second = Duration::from_secs(1);
        let before = Instant::now();
        activity.changed(second).await;
        assert_eq!(before.elapsed(), Duration::ZERO);
        activity.changed(second).await;
        assert_eq!(before.elapsed(), second);
    });
}

#[test]
fn a_writing_that_is_over_before_it_is_asked_for_has_begun_all_the_same() {
    paused(async {
        let activity = Activity::default();
        let name = OsStr::new("a");
        let before = activity.writing();
        activity.is_written(name);
        activity.was_closed(name);
        tokio::time::sleep(SETTLE * 2).await;
        let after = activity.writing();
        assert_eq!(after.progress(name), Progress::Finished);
        assert!(after.has_begun_since(&before));
        assert!(!activity.writing().has_begun_since(&after));
        activity.was_touched(name);
        assert!(activity.writing().has_begun_since(&after));
    });
}

#[test]
fn a_daemon_that_writes_without_a_break_is_overdue_at_last() {
    paused(async {
        let activity = Activity::default();
        let name = OsStr::new("a");
        let began = Instant::now();
        while began.elapsed() < LONGEST_WRITE {
            activity.is_written(name);
            tokio::time::sleep(SETTLE / 2).await;
            activity.was_closed(name);
            assert_ne!(activity.writing().progress(name), Progress::Finished);
            tokio::time::sleep(SETTLE / 2).await;
        }
        assert_eq!(activity.writing().progress(name), Progress::Overdue);
    });
}

#[test]
fn what_was_replaced_is_finished_at_once() {
    paused(async {
        let activity = Activity::default();
        let name = OsStr::new("a");
        activity.is_written(name);
        activity.has_changed(name);
        assert_eq!(activity.writing().progress(name), Progress::Finished);
    });
}

#[test]
fn what_is_known_of_writers_ends() {
    paused(async {
        let activity = Activity::default();
        for number in 0..2 * MOST_WRITTEN {
            let name = number.to_string();
            activity.is_written(OsStr::new(&name));
            activity.was_closed(OsStr::new(&name));
        }
        assert_eq!(activity.writing().files.len(), MOST_WRITTEN);
        // Those that came to an end make room.
        tokio::time::sleep(SETTLE).await;
        activity.is_written(OsStr::new("next"));
        assert_eq!(activity.writing().files.len(), 1);
        activity.was_closed(OsStr::new("next"));
        tokio::time::sleep(LONGEST_WRITE + SETTLE).await;
        let _ = activity.writing();
        assert!(activity.writing().files.is_empty());
    });
}
