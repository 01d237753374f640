//! Which connections are admitted, evicted and refused.

use super::super::slot::{BusyGuard, ConnectionSlot, Priority};
use super::super::slots::RESERVE;
use super::*;
use tokio::time::{advance, timeout};

fn slot(admission: &Admission) -> Arc<ConnectionSlot> {
    Arc::clone(admission.slot())
}

fn begin_request(admission: &Admission) -> BusyGuard {
    admission.slot().begin_request()
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_is_idle_the_longest_is_evicted() {
    let all = connections(3);
    let mut admissions = Vec::new();
    for _ in 0..3 {
        admissions.push(all.admit().unwrap());
        advance(MOMENT).await;
    }
    let slots: Vec<_> = admissions.iter().map(slot).collect();
    // The first is busy, the second was busy a moment ago.
    let busy = slots[0].begin_request();
    drop(slots[1].begin_request());
    let newcomer = all.admit().unwrap();
    assert!(slots[0].is_busy());
    assert!(slots[1].idle_since().is_some());
    assert!(slots[2].is_evicted());
    assert_eq!(newcomer.slot().priority(), Priority::Normal);
    assert_eq!(reached(&all, Limit::MaxConnections), 1);
    // An evicted slot stays evicted, and its end releases nothing twice.
    drop(slots[2].begin_request());
    assert!(slots[2].is_evicted());
    drop(admissions.remove(2));
    assert_eq!(all.slots().len(), 3);
    drop(busy);
    assert!(slots[0].idle_since().is_some());
}

#[tokio::test(start_paused = true)]
async fn connections_that_were_all_busy_since_are_evicted_too() {
    let all = connections(2);
    let admissions = admit(&all, 2);
    for admission in &admissions {
        advance(MOMENT).await;
        drop(admission.slot().begin_request());
    }
    let newcomer = all.admit().unwrap();
    assert_eq!(newcomer.slot().priority(), Priority::Normal);
    assert!(admissions[0].slot().is_evicted());
}

#[tokio::test(start_paused = true)]
async fn if_none_is_idle_reserved_slots_are_used_and_then_connections_are_refused() {
    let all = connections(2);
    let normal = admit(&all, 2);
    let busy: Vec<_> = normal.iter().map(begin_request).collect();
    let reserved = admit(&all, RESERVE);
    let is_reserved = |admission: &Admission| admission.slot().priority() == Priority::Reserved;
    assert!(reserved.iter().all(is_reserved));
    let reserved_busy: Vec<_> = reserved.iter().map(begin_request).collect();
    assert!(all.admit().is_none());
    assert_eq!(reached(&all, Limit::Reserve), 1);
    assert_eq!(reached(&all, Limit::MaxConnections), RESERVE as u64 + 1);
    // An idle reserved connection is evicted for another reserved one only.
    drop(reserved_busy);
    assert!(is_reserved(&all.admit().unwrap()));
    drop(busy);
}

#[tokio::test(start_paused = true)]
async fn the_idle_queue_stays_in_proportion_to_the_slots() {
    let all = connections(3);
    let kept = all.admit().unwrap();
    for _ in 0..1000 {
        drop(all.admit().unwrap());
    }
    assert!(all.slots().queued() <= 3 + RESERVE);
    let _others = [all.admit().unwrap(), all.admit().unwrap()];
    let _newcomer = all.admit().unwrap();
    assert!(kept.slot().is_evicted());
}

#[tokio::test(start_paused = true)]
async fn an_evicted_connection_ends_at_once() {
    let all = connections(1);
    let (mut server, _client) = connect(&all);
    let reading = tokio::spawn(async move { ends_after(&mut server).await });
    tokio::task::yield_now().await;
    let _newcomer = all.admit().unwrap();
    let waited = timeout(MOMENT, reading).await.unwrap().unwrap();
    assert_eq!(waited, Duration::ZERO);
}
