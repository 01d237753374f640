//! Subscribers continue without events after the watcher thread has ended.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;

#[tokio::test]
async fn the_end_of_the_thread_wakes_all_subscribers_which_continue_without_events() {
    let folder = tempfile::tempdir().unwrap();
    let hour = Duration::from_secs(3600);
    let pending_writes = Arc::new(PendingWrites::new(hour));
    let watches = Watches::start().unwrap();
    let mut targets = Targets::default();
    targets.add(folder.path(), Interest::in_name("it".as_ref()));
    let target = targets.watched.pop().unwrap();
    let subscription = watches.subscribe(&target, &pending_writes).await.unwrap();
    assert!(subscription.serves(&target));
    watches.commands.send(Command::Panic).unwrap();
    // The subscriber is woken, so this does not take an hour.
    pending_writes.due(&pending_writes.snapshot(), hour).await;
    assert!(!subscription.serves(&target));
    let refused = watches
        .subscribe(&target, &pending_writes)
        .await
        .unwrap_err();
    assert!(matches!(refused, Unwatched::NoEvents(why) if why.contains("has ended")));
}
