//! Code that never returns: who notices, that it is seen, and who is moved away.

use super::*;
use crate::registry::thread::ActorThread;
use tokio::time::timeout;

/// How long whoever asks an actor that may be stuck waits for it.
const IMPATIENCE: Duration = Duration::from_millis(200);

/// Has the selector of a number get stuck at a place, and returns once it is.
async fn stick(scene: &Scene, number: usize, place: FaultPoint) -> Arc<SelectorHandle> {
    let handle = Arc::clone(scene.registry.get(&format!("s{number}")).unwrap());
    order(&handle, Fault::Stuck, place);
    let end = Instant::now() + PATIENCE;
    let mut last = Ok(());
    // It may get stuck in a rest, of which scrapes see nothing once it should be over.
    while handle.faults.stuck() == 0 || last != Err(Reason::Timeout) {
        assert!(Instant::now() < end, "{place:?}: {last:?}");
        last = scrape_within(&handle, Duration::from_millis(10)).await;
    }
    handle
}

/// What all selectors answer; those that are held, to someone impatient.
async fn answers(scene: &Scene, held: impl Fn(usize) -> bool) -> Vec<Result<(), Reason>> {
    let within = |number| match held(number) {
        true => IMPATIENCE,
        false => Duration::MAX,
    };
    let handles = scene.registry.iter().enumerate();
    join_all(handles.map(|(number, handle)| scrape_within(handle, within(number)))).await
}

#[test]
fn code_that_never_returns_is_seen_and_blocks_only_its_own_thread() {
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
        for (number, place) in cases {
            let stuck = stick(&scene, number, place).await;
            let held = |other| other % threads == number % threads;
            for (other, found) in answers(&scene, held).await.into_iter().enumerate() {
                let expected = match held(other) {
                    true => Err(Reason::Timeout),
                    false => Ok(()),
                };
                assert_eq!(found, expected, "{place:?} of s{number}: s{other}");
            }
            let oldest = || stuck.snapshot().oldest_in_flight.unwrap();
            let before = oldest();
            assert!(before >= IMPATIENCE && oldest() > before, "{place:?}");
            stuck.faults.release();
            scene.all_answer().await;
        }
        drop(scene.threads);
    });
}

#[test]
fn whoever_lives_with_code_that_never_returns_is_moved_elsewhere() {
    use FaultPoint::{Background, Handler, Pull, Started};
    actix_rt::System::new().block_on(async {
        for (number, place) in [(0, Handler), (0, Pull), (0, Started), (1, Background)] {
            let mut scene = Scene::ready().await;
            scene.threads.ping_timeout = Duration::from_millis(100);
            let stuck = stick(&scene, number, place).await;
            let held = timeout(PATIENCE, scene.threads.unresponsive()).await;
            assert_eq!(held, Ok(()), "{place:?}: nobody notices");
            let reconciliation = scene.registry.evacuate(&scene.threads, &scene.metrics);
            scene.registry = Arc::new(reconciliation.registry);

            let itself = |other| other == number;
            for (other, found) in answers(&scene, itself).await.into_iter().enumerate() {
                assert_eq!(found.is_err(), itself(other), "{place:?}: s{other}");
            }
            assert_eq!(stuck.state(), State::Stuck, "{place:?}");
            let name = stuck.spec().name.clone();
            assert!(Arc::ptr_eq(scene.registry.get(&name).unwrap(), &stuck));
            assert!(!reconciliation.changes.replaced.contains(&name));
            // At once: nothing is sent to it.
            assert_eq!(scrape(&stuck).await, Err(Reason::Timeout));
            assert!(!stuck.is_up(), "{place:?}");
            let snapshot = stuck.snapshot();
            assert_eq!(snapshot.last_error.unwrap().reason, Reason::Timeout);

            stuck.faults.release();
            scene.all_answer().await;
            assert_eq!(stuck.state(), State::Running, "{place:?}");
            drop(scene.threads);
        }
    });
}

#[test]
fn whoever_is_stuck_is_seen_though_nobody_scrapes_it_and_leaves_no_series_when_removed() {
    actix_rt::System::new().block_on(async {
        let mut scene = Scene::ready().await;
        scene.threads.ping_timeout = Duration::from_millis(100);
        let handle = Arc::clone(scene.registry.get("s1").unwrap());
        handle.faults.schedule(Fault::Stuck, FaultPoint::Background);
        // Woken by a change of its file, for instance.
        let file = scene._folder.path().join("m.prom");
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
        // The old actors of those that were moved end no sooner than their thread goes on.
        scene.registry = Arc::default();
        drop((reconciliation, handle));
        let text = text();
        let series = text.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(series.collect::<Vec<_>>(), [""; 0]);
    });
}

#[test]
fn threads_that_get_stuck_are_replaced_up_to_a_bound_and_used_again() {
    actix_rt::System::new().block_on(async {
        let mut threads = ActorThreads::start(GlobalLimit::unlimited()).unwrap();
        threads.ping_timeout = Duration::from_millis(50);
        let count = threads.handles.all().len();
        let mut held = Vec::new();
        let hold = |threads: &ActorThreads| {
            let place = threads.slot().unwrap();
            let (release, released) = std::sync::mpsc::channel::<()>();
            place.arbiter.spawn_fn(move || released.recv().unwrap());
            release
        };
        // As many as it takes, and then some.
        for _ in 0..40 {
            held.push(hold(&threads));
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
        for release in held {
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
fn scrapes_of_whoever_is_stuck_take_nothing_from_the_others() {
    const MOST: usize = 4;
    actix_rt::System::new().block_on(async {
        let reached = prometheus::IntCounter::new("reached", "how often").unwrap();
        let scene = Scene::below(GlobalLimit::new(MOST, reached.clone())).await;
        let stuck = stick(&scene, 0, FaultPoint::Handler).await;
        for _ in 0..2 * MOST {
            let found = scrape_within(&stuck, Duration::from_millis(10)).await;
            assert_eq!(found, Err(Reason::Timeout));
        }
        assert!(stuck.snapshot().in_flight > MOST);
        assert_eq!(scrape(scene.registry.get("s1").unwrap()).await, Ok(()));
        assert_eq!(reached.get(), 0);
        stuck.faults.release();
        scene.all_answer().await;
        drop(scene.threads);
    });
}

#[test]
fn work_on_the_blocking_pool_that_never_returns_holds_its_selector_alone() {
    actix_rt::System::new().block_on(async {
        let scene = Scene::ready().await;
        for (number, place) in [(1, FaultPoint::Read), (2, FaultPoint::Validate)] {
            let stuck = stick(&scene, number, place).await;
            let held = |other| other == number;
            for (other, found) in answers(&scene, held).await.into_iter().enumerate() {
                assert_eq!(found.is_err(), held(other), "{place:?}: s{other}");
            }
            stuck.faults.release();
            scene.all_answer().await;
        }
        drop(scene.threads);
    });
}
