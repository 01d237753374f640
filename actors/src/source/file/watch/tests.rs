//! What becomes of those who wait for events when whoever tells of them is gone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;

fn target(directory: &Path) -> Target {
    Target {
        directory: directory.to_owned(),
        identity: identity(directory).unwrap(),
        interest: Interest::in_name("it".as_ref()),
        without_events: None,
    }
}

#[tokio::test]
async fn the_end_of_the_thread_is_told_to_all_and_they_go_without_events() {
    let folder = tempfile::tempdir().unwrap();
    let (watches, pending_writes) = (Watches::start().unwrap(), Arc::default());
    let target = target(folder.path());
    let subscription = watches.subscribe(&target, &pending_writes).await.unwrap();
    assert!(subscription.serves(&target));
    watches.orders.send(Order::Panic).unwrap();
    // It is told, so this does not take the hour.
    pending_writes.changed(Duration::from_secs(3600)).await;
    assert!(!subscription.serves(&target));
    let refused = watches
        .subscribe(&target, &pending_writes)
        .await
        .unwrap_err();
    assert!(matches!(refused, Unwatched::NoEvents(why) if why.contains("has ended")));
}
