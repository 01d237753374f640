//! Code that does not return: it is noticed and shown, and the other actors of its thread are
//! evacuated.

use super::scene::{PATIENCE, Scene, schedule, scrape, scrape_within};
use crate::admission::GlobalLimit;
use crate::faults::{Fault, FaultPoint};
use crate::reason::Reason;
use crate::registry::thread::ActorThread;
use crate::registry::{ActorThreads, SelectorHandle};
use crate::report::State;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio::time::timeout;

/// The deadline of scrapes of actors that may be stuck.
const SHORT: Duration = Duration::from_millis(200);

/// Lets the actor of a selector get stuck, and returns when it is.
async fn stick(scene: &Scene, number: usize, point: FaultPoint) -> Arc<SelectorHandle> {
    let handle = Arc::clone(scene.registry.get(&format!("s{number}")).unwrap());
    schedule(&handle, Fault::Stuck, point);
    let end = Instant::now() + PATIENCE;
    let mut last = Ok(());
    // It may get stuck before its back-off ends. Scrapes time out only after that.
    while handle.faults.stuck() == 0 || last != Err(Reason::Timeout) {
        assert!(Instant::now() < end, "{point:?}: {last:?}");
        last = scrape_within(&handle, Duration::from_millis(10)).await;
    }
    handle
}

/// The results of scraping all selectors; those that are blocked with a short deadline.
async fn results(scene: &Scene, blocked: impl Fn(usize) -> bool) -> Vec<Result<(), Reason>> {
    let within = |number| match blocked(number) {
        true => SHORT,
        false => Duration::MAX,
    };
    let handles = scene.registry.iter().enumerate();
    join_all(handles.map(|(number, handle)| scrape_within(handle, within(number)))).await
}

#[test]
fn stuck_code_is_shown_and_blocks_only_its_own_thread() {
    use FaultPoint::{Background, Handler, Pull, Restarting, Started};
    let cases = [
        (0, Handler),
        (0, Pull),
        (0, Started),
        (1, Restarting),
        (1, Background),
    ];
    actix_rt::System::new().block_on(async {
        let scene = Scene::ready().await;
        let threads = scene.threads.handles.all().len();
        for (number, point) in cases {
            let stuck = stick(&scene, number, point).await;
            let blocked = |other| other % threads == number % threads;
            for (other, found) in results(&scene, blocked).await.into_iter().enumerate() {
                let expected = match blocked(other) {
                    true => Err(Reason::Timeout),
                    false => Ok(()),
                };
                assert_eq!(found, expected, "{point:?} of s{number}: s{other}");
            }
            let oldest = || stuck.snapshot().oldest_in_flight.unwrap();
            let before = oldest();
            assert!(before >= SHORT && oldest() > before, "{point:?}");
            stuck.faults.release();
            scene.all_succeed().await;
        }
        drop(scene.threads);
    });
}

#[test]
fn the_other_actors_on_a_blocked_thread_are_evacuated() {
    use FaultPoint::{Background, Handler, Pull, Started};
    actix_rt::System::new().block_on(async {
        for (number, point) in [(0, Handler), (0, Pull), (0, Started), (1, Background)] {
            let mut scene = Scene::ready().await;
            scene.threads.ping_timeout = Duration::from_millis(100);
            let stuck = stick(&scene, number, point).await;
            let noticed = timeout(PATIENCE, scene.threads.unresponsive()).await;
            assert_eq!(noticed, Ok(()), "{point:?}: not noticed");
            let reconciliation = scene.registry.evacuate(&scene.threads, &scene.metrics);
            scene.registry = Arc::new(reconciliation.registry);

            let itself = |other| other == number;
            for (other, found) in results(&scene, itself).await.into_iter().enumerate() {
                assert_eq!(found.is_err(), itself(other), "{point:?}: s{other}");
            }
            assert_eq!(stuck.state(), State::Stuck, "{point:?}");
            let name = stuck.spec().name.clone();
            assert!(Arc::ptr_eq(scene.registry.get(&name).unwrap(), &stuck));
            assert!(!reconciliation.changes.replaced.contains(&name));
            // Refused without sending it a message.
            assert_eq!(scrape(&stuck).await, Err(Reason::Timeout));
            assert!(!stuck.is_up(), "{point:?}");
            let snapshot = stuck.snapshot();
            assert_eq!(snapshot.last_error.unwrap().reason, Reason::Timeout);

            stuck.faults.release();
            scene.all_succeed().await;
            assert_eq!(stuck.state(), State::Running, "{point:?}");
            drop(scene.threads);
        }
    });
}

#[test]
fn a_stuck_actor_is_shown_without_scrapes_and_leaves_no_series_when_removed() {
    actix_rt::System::new().block_on(async {
        let mut scene = Scene::ready().await;
        scene.threads.ping_timeout = Duration::from_millis(100);
        let handle = Arc::clone(scene.registry.get("s1").unwrap());
        handle.faults.schedule(Fault::Stuck, FaultPoint::Background);
        // A change of its file wakes the background task.
        let file = scene.folder.path().join("m.prom");
        let end = Instant::now() + PATIENCE;
        while handle.faults.stuck() == 0 {
            assert!(Instant::now() < end);
            std::fs::write(&file, "a 1\n").unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        timeout(PATIENCE, scene.threads.unresponsive())
            .await
            .unwrap();
        let reconciliation = scene.registry.evacuate(&scene.threads, &scene.metrics);
        assert!(!reconciliation.changes.replaced.is_empty());
        let snapshot = handle.snapshot();
        assert_eq!((snapshot.state, snapshot.in_flight), (State::Stuck, 0));
        assert!(snapshot.oldest_in_flight.is_some());

        let text = prometheus::TextEncoder::new();
        let text = || {
            text.encode_to_string(&scene.prometheus_registry.gather())
                .unwrap()
        };
        assert!(text().contains("source_up{selector=\"s1\"} 0"));
        // The previous actors of evacuated selectors end only when their thread continues.
        scene.registry = Arc::default();
        drop((reconciliation, handle));
        let text = text();
        let series = text.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(series.collect::<Vec<_>>(), [""; 0]);
    });
}

#[test]
fn blocked_threads_are_replaced_up_to_a_limit_and_reused_when_they_continue() {
    actix_rt::System::new().block_on(async {
        let mut threads = ActorThreads::start(GlobalLimit::unlimited()).unwrap();
        threads.ping_timeout = Duration::from_millis(50);
        let count = threads.handles.all().len();
        let mut releases = Vec::new();
        let block = |threads: &ActorThreads| {
            let slot = threads.slot().unwrap();
            let (release, released) = std::sync::mpsc::channel::<()>();
            slot.arbiter.spawn_fn(move || released.recv().unwrap());
            release
        };
        // More than the limit.
        for _ in 0..40 {
            releases.push(block(&threads));
            let noticed = timeout(Duration::from_secs(1), threads.unresponsive()).await;
            threads.replace_unresponsive();
            if noticed.is_err() {
                break;
            }
        }
        assert_eq!(threads.handles.all().len(), 16);
        assert!(threads.slot().unwrap().is_abandoned());
        let handles = threads.handles();
        let responsive = timeout(Duration::from_millis(50), handles.responsive()).await;
        assert!(responsive.is_err(), "every thread is stuck");
        for release in releases {
            release.send(()).unwrap();
        }
        timeout(PATIENCE, async {
            while threads.handles.all().iter().any(ActorThread::is_abandoned) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
        .unwrap();
        timeout(PATIENCE, handles.responsive()).await.unwrap();
        assert!(count < 16);
    });
}

#[test]
fn scrapes_of_a_stuck_actor_do_not_use_up_the_global_limit() {
    const LIMIT: usize = 4;
    actix_rt::System::new().block_on(async {
        let reached = prometheus::IntCounter::new("reached", "how often").unwrap();
        let scene = Scene::with_limit(GlobalLimit::new(LIMIT, reached.clone())).await;
        let stuck = stick(&scene, 0, FaultPoint::Handler).await;
        for _ in 0..2 * LIMIT {
            let found = scrape_within(&stuck, Duration::from_millis(10)).await;
            assert_eq!(found, Err(Reason::Timeout));
        }
        assert!(stuck.snapshot().in_flight > LIMIT);
        assert_eq!(scrape(scene.registry.get("s1").unwrap()).await, Ok(()));
        assert_eq!(reached.get(), 0);
        stuck.faults.release();
        scene.all_succeed().await;
        drop(scene.threads);
    });
}

#[test]
fn a_stuck_blocking_task_blocks_only_its_selector() {
    actix_rt::System::new().block_on(async {
        let scene = Scene::ready().await;
        for (number, point) in [(1, FaultPoint::Read), (2, FaultPoint::Validate)] {
            let stuck = stick(&scene, number, point).await;
            let blocked = |other| other == number;
            for (other, found) in results(&scene, blocked).await.into_iter().enumerate() {
                assert_eq!(found.is_err(), blocked(other), "{point:?}: s{other}");
            }
            stuck.faults.release();
            scene.all_succeed().await;
        }
        drop(scene.threads);
    });
}
