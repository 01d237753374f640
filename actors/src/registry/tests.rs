//! Thousands of failures: the other selectors are never affected.

mod reconcile;
mod scene;
mod stuck;

use crate::faults::{Fault, FaultPoint};
use crate::reason::Reason;
use crate::registry::SelectorHandle;
use crate::report::State;
use scene::{PATIENCE, SELECTORS, Scene, SourceOf, schedule, scrape};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

const PANICS: usize = 1000;
const STOPS: usize = 100;

/// The faults to inject one after the other: the selector, the fault and the fault point.
fn faults() -> impl Iterator<Item = (usize, Fault, FaultPoint)> {
    let fault_at = |fault| {
        move |index: usize| {
            let (number, round) = (index % SELECTORS, index / SELECTORS);
            let points = match fault {
                Fault::Stop => SourceOf::of(number).stops(),
                Fault::Panic | Fault::Stuck => SourceOf::of(number).panics(),
            };
            (number, fault, points[round % points.len()])
        }
    };
    let panics = (0..PANICS).map(fault_at(Fault::Panic));
    panics.chain((0..STOPS).map(fault_at(Fault::Stop)))
}

/// Lets an actor fail and waits until it has recovered. Returns the number of restarts.
async fn fail_and_recover(handle: &SelectorHandle, fault: Fault, point: FaultPoint) -> u64 {
    let before = handle.snapshot().restarts;
    let wanted = schedule(handle, fault, point);
    let end = Instant::now() + PATIENCE;
    loop {
        // Counted before the scrape: the fault may still follow a successful scrape.
        let restarts = handle.snapshot().restarts - before;
        let found = scrape(handle).await;
        let allowed = matches!(found, Ok(()) | Err(Reason::Crashed | Reason::Backoff));
        assert!(allowed, "{fault:?} {point:?}: {found:?}");
        if found.is_ok() && restarts >= wanted {
            return restarts;
        }
        let snapshot = handle.snapshot();
        assert!(Instant::now() < end, "{fault:?} {point:?}: {snapshot:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_thousand_panics_over_twenty_selectors_and_no_other_scrape_fails() {
    actix_rt::System::new().block_on(async {
        let scene = Scene::ready().await;
        let (current, done) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let others = {
            let (registry, current) = (Arc::clone(&scene.registry), Arc::clone(&current));
            let done = Arc::clone(&done);
            actix_rt::spawn(async move {
                let mut scrapes = 0_u64;
                while !done.load(Ordering::SeqCst) {
                    for (number, handle) in registry.iter().enumerate() {
                        let before = current.load(Ordering::SeqCst);
                        let found = scrape(handle).await;
                        // Only a selector with an injected fault may fail.
                        let mut meanwhile = before..=current.load(Ordering::SeqCst);
                        let hit = meanwhile.any(|index| index % SELECTORS == number);
                        assert!(found.is_ok() || hit, "s{number}: {found:?}");
                        scrapes += 1;
                    }
                }
                scrapes
            })
        };
        let mut restarts = 0;
        for (index, (number, fault, point)) in faults().enumerate() {
            current.store(index, Ordering::SeqCst);
            let handle = scene.registry.get(&format!("s{number}")).unwrap();
            restarts += fail_and_recover(handle, fault, point).await;
        }
        done.store(true, Ordering::SeqCst);
        let scrapes = others.await.unwrap();
        assert!(scrapes > 1000, "only {scrapes} scrapes of the others");
        assert!(restarts >= (PANICS + STOPS) as u64, "{restarts} restarts");
        for handle in scene.registry.iter() {
            let snapshot = handle.snapshot();
            assert_eq!((snapshot.state, snapshot.in_flight), (State::Running, 0));
            assert_eq!(scrape(handle).await, Ok(()));
        }
        drop(scene.threads);
    });
}

#[test]
fn a_dropped_registry_ends_its_actors() {
    actix_rt::System::new().block_on(async {
        let scene = Scene::ready().await;
        let statuses: Vec<_> = scene
            .registry
            .iter()
            .map(|handle| Arc::clone(&handle.status))
            .collect();
        drop(scene.registry);
        let end = Instant::now() + PATIENCE;
        for status in statuses {
            while status.snapshot().state != State::Stopped || Arc::strong_count(&status) > 1 {
                assert!(Instant::now() < end, "{:?}", status.snapshot());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
}
