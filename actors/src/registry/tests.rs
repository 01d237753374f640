//! Failures by the thousand: whoever fails, the others never notice.

mod stuck;

use super::*;
use crate::admission::GlobalLimit;
use crate::backoff::Backoff;
use crate::faults::{Fault, FaultPoint};
use crate::reason::Reason;
use crate::report::State;
use crate::scrape::Names;
use futures_util::future::join_all;
use local_exporter_config::{Environment, Input, load};
use local_exporter_daemons::promsock::PromSock;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::time::Instant;

const SELECTORS: usize = 20;
const PANICS: usize = 1000;
const STOPS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(30);

/// Twenty selectors, every other one a socket, the rest files; one of the sockets
/// gives more than is judged in place.
struct Scene {
    registry: Arc<Registry>,
    threads: ActorThreads,
    metrics: Metrics,
    prometheus_registry: prometheus::Registry,
    _folder: TempDir,
    _daemons: [PromSock; 2],
}

/// What stands behind the selector of a number.
#[derive(Clone, Copy)]
enum Behind {
    Socket,
    LargeSocket,
    File,
}

impl Behind {
    fn of(number: usize) -> Self {
        match number {
            2 => Self::LargeSocket,
            _ if number.is_multiple_of(2) => Self::Socket,
            _ => Self::File,
        }
    }

    fn panics(self) -> &'static [FaultPoint] {
        use FaultPoint::{Background, Handler, Pull, Read, Restarting, Started, Validate};
        match self {
            Self::Socket => &[Handler, Pull, Started, Restarting],
            Self::LargeSocket => &[Validate, Handler, Pull, Started, Restarting],
            Self::File => &[Handler, Background, Started, Restarting, Read],
        }
    }

    fn stops(self) -> &'static [FaultPoint] {
        use FaultPoint::{Background, Handler, Restarting, Started};
        match self {
            Self::Socket | Self::LargeSocket => &[Handler, Started, Restarting],
            Self::File => &[Handler, Background, Started, Restarting],
        }
    }
}

/// What befalls whom, one after the other.
fn troubles() -> impl Iterator<Item = (usize, Fault, FaultPoint)> {
    let trouble = |fault| {
        move |index: usize| {
            let (number, round) = (index % SELECTORS, index / SELECTORS);
            let places = match fault {
                Fault::Stop => Behind::of(number).stops(),
                Fault::Panic | Fault::Stuck => Behind::of(number).panics(),
            };
            (number, fault, places[round % places.len()])
        }
    };
    let panics = (0..PANICS).map(trouble(Fault::Panic));
    panics.chain((0..STOPS).map(trouble(Fault::Stop)))
}

fn scene(global_limit: GlobalLimit) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name);
    let (socket, large, file) = (path("sock"), path("large"), path("m.prom"));
    let body = b"a 1\n".to_vec();
    let daemons = [
        PromSock::bind(&socket, move || body.clone()).unwrap(),
        PromSock::bind(&large, || b"a 1\n".repeat(70_000)).unwrap(),
    ];
    std::fs::write(&file, "a 1\n").unwrap();
    let mut text = "[bridge.selectors]\n".to_owned();
    for number in 0..SELECTORS {
        let (kind, path) = match Behind::of(number) {
            Behind::Socket => ("uds", &socket),
            Behind::LargeSocket => ("uds", &large),
            Behind::File => ("file", &file),
        };
        writeln!(text, "s{number} = {{ kind = \"{kind}\", path = {path:?} }}").unwrap();
    }
    let input = Input {
        name: "test".into(),
        text,
    };
    let settings = load(Some(&input), &Environment::new()).unwrap();
    let prometheus_registry = prometheus::Registry::new();
    let metrics = Metrics::register(&prometheus_registry).unwrap();
    let mut threads = ActorThreads::start(global_limit).unwrap();
    // A thousand rests of up to half a minute would be a long test.
    let (first, longest) = (Duration::from_millis(1), Duration::from_millis(4));
    threads.backoff = Backoff::new(first, longest, Duration::from_secs(60));
    Scene {
        registry: Arc::new(Registry::start(settings.selectors, &threads, &metrics)),
        threads,
        metrics,
        prometheus_registry,
        _folder: folder,
        _daemons: daemons,
    }
}

impl Scene {
    /// A scene in which everybody answers.
    async fn ready() -> Self {
        Self::below(GlobalLimit::unlimited()).await
    }

    /// The same with a bound on all scrapes together.
    async fn below(global_limit: GlobalLimit) -> Self {
        let scene = scene(global_limit);
        scene.all_answer().await;
        scene
    }

    async fn all_answer(&self) {
        let end = Instant::now() + PATIENCE;
        for handle in self.registry.iter() {
            while let Err(reason) = scrape(handle).await {
                let name = &handle.spec().name;
                assert!(Instant::now() < end, "{name}: {reason}");
            }
        }
    }
}

async fn scrape(handle: &SelectorHandle) -> Result<(), Reason> {
    scrape_within(handle, Duration::MAX).await
}

async fn scrape_within(handle: &SelectorHandle, within: Duration) -> Result<(), Reason> {
    let answer = handle.scrape(within, Names::Utf8).await;
    answer.map(drop).map_err(|error| error.reason)
}

/// Orders a failure, and whatever leads an actor to its place; returns how many
/// restarts that will take if nothing gets stuck.
fn order(handle: &SelectorHandle, fault: Fault, place: FaultPoint) -> u64 {
    handle.faults.schedule(fault, place);
    match place {
        FaultPoint::Handler | FaultPoint::Pull | FaultPoint::Background | FaultPoint::Validate => 1,
        // Passed after another failure. Files are looked at when the actor starts.
        FaultPoint::Started | FaultPoint::Restarting | FaultPoint::Read => {
            handle.faults.schedule(Fault::Panic, FaultPoint::Handler);
            2
        }
    }
}

/// Fails once at `place` and comes back; returns how many restarts that took.
async fn fail_and_recover(handle: &SelectorHandle, fault: Fault, place: FaultPoint) -> u64 {
    let before = handle.snapshot().restarts;
    let wanted = order(handle, fault, place);
    let end = Instant::now() + PATIENCE;
    loop {
        // Counted before the scrape: one that is answered may still be followed by the failure.
        let restarts = handle.snapshot().restarts - before;
        let found = scrape(handle).await;
        let allowed = matches!(found, Ok(()) | Err(Reason::Crashed | Reason::Backoff));
        assert!(allowed, "{fault:?} {place:?}: {found:?}");
        if found.is_ok() && restarts >= wanted {
            return restarts;
        }
        let snapshot = handle.snapshot();
        assert!(Instant::now() < end, "{fault:?} {place:?}: {snapshot:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_thousand_panics_over_twenty_selectors_and_no_other_scrape_fails() {
    actix_rt::System::new().block_on(async {
        let scene = Scene::ready().await;
        let (target, done) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let bystanders = {
            let (registry, target) = (Arc::clone(&scene.registry), Arc::clone(&target));
            let done = Arc::clone(&done);
            actix_rt::spawn(async move {
                let mut scrapes = 0_u64;
                while !done.load(Ordering::SeqCst) {
                    for (number, handle) in registry.iter().enumerate() {
                        let before = target.load(Ordering::SeqCst);
                        let found = scrape(handle).await;
                        // Only who was a target meanwhile may fail.
                        let mut meanwhile = before..=target.load(Ordering::SeqCst);
                        let hit = meanwhile.any(|target| target % SELECTORS == number);
                        assert!(found.is_ok() || hit, "s{number}: {found:?}");
                        scrapes += 1;
                    }
                }
                scrapes
            })
        };
        let mut restarts = 0;
        for (index, (number, fault, place)) in troubles().enumerate() {
            target.store(index, Ordering::SeqCst);
            let handle = scene.registry.get(&format!("s{number}")).unwrap();
            restarts += fail_and_recover(handle, fault, place).await;
        }
        done.store(true, Ordering::SeqCst);
        let scrapes = bystanders.await.unwrap();
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
fn a_registry_that_is_dropped_ends_its_actors_and_their_series() {
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
