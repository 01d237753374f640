//! Panics by the thousand: whoever fails, the others never notice.

use super::*;
use crate::faults::Place;
use crate::scrape::Reason;
use local_exporter_config::{Environment, Input, load};
use local_exporter_daemons::promsock::PromSock;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tempfile::TempDir;

const SELECTORS: usize = 20;
const PANICS: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(30);

/// Twenty selectors, every other one a socket, the rest files.
struct Scene {
    roster: Arc<Roster>,
    arbiters: Arbiters,
    _folder: TempDir,
    _daemon: PromSock,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (socket, file) = (folder.path().join("sock"), folder.path().join("m.prom"));
    let daemon = PromSock::bind(&socket, || b"a 1\n".to_vec()).unwrap();
    std::fs::write(&file, "a 1\n").unwrap();
    let mut text = "[bridge.selectors]\n".to_owned();
    for number in 0..SELECTORS {
        let (kind, path) = if number % 2 == 0 {
            ("uds", &socket)
        } else {
            ("file", &file)
        };
        writeln!(text, "s{number} = {{ kind = \"{kind}\", path = {path:?} }}").unwrap();
    }
    let input = Input {
        name: "test".into(),
        text,
    };
    let settings = load(Some(&input), &Environment::new()).unwrap();
    let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
    let mut arbiters = Arbiters::start(Ceiling::unlimited()).unwrap();
    // A thousand rests of up to half a minute would be a long test.
    let (first, longest) = (Duration::from_millis(1), Duration::from_millis(4));
    arbiters.backoff = Backoff::new(first, longest, Duration::from_secs(60));
    Scene {
        roster: Arc::new(Roster::start(settings.selectors, &arbiters, &metrics)),
        arbiters,
        _folder: folder,
        _daemon: daemon,
    }
}

async fn scrape(door: &Door) -> Result<(), Reason> {
    let answer = door.scrape(Duration::MAX, Names::Utf8).await;
    answer.map(drop).map_err(|error| error.reason)
}

/// Fails once at `place` and comes back; returns how many restarts that took.
async fn fail_and_recover(door: &Door, place: Place) -> u64 {
    let before = door.snapshot().restarts;
    match place {
        // Passed only after another failure.
        Place::Started | Place::Restarting => {
            door.faults.order(place);
            door.faults.order(Place::Handler);
        }
        Place::Handler | Place::Pull | Place::Upkeep | Place::Look => door.faults.order(place),
    }
    if place == Place::Look {
        // Files are looked at when the actor starts.
        door.faults.order(Place::Handler);
    }
    let wanted = match place {
        Place::Started | Place::Restarting | Place::Look => 2,
        Place::Handler | Place::Pull | Place::Upkeep => 1,
    };
    let end = Instant::now() + PATIENCE;
    loop {
        // Counted before the scrape: one that is answered may still be followed by the failure.
        let restarts = door.snapshot().restarts - before;
        let found = scrape(door).await;
        let allowed = matches!(found, Ok(()) | Err(Reason::Crashed | Reason::Resting));
        assert!(allowed, "{place:?}: {found:?}");
        if found.is_ok() && restarts >= wanted {
            return restarts;
        }
        assert!(Instant::now() < end, "{place:?}: {:?}", door.snapshot());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_thousand_panics_over_twenty_selectors_and_no_other_scrape_fails() {
    actix_rt::System::new().block_on(async {
        let scene = scene();
        for door in scene.roster.iter() {
            while scrape(door).await.is_err() {}
        }
        let (target, done) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let bystanders = {
            let (roster, target) = (Arc::clone(&scene.roster), Arc::clone(&target));
            let done = Arc::clone(&done);
            actix_rt::spawn(async move {
                let mut scrapes = 0_u64;
                while !done.load(Ordering::SeqCst) {
                    for (number, door) in roster.iter().enumerate() {
                        let before = target.load(Ordering::SeqCst);
                        let found = scrape(door).await;
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
        let sockets = [
            Place::Handler,
            Place::Pull,
            Place::Started,
            Place::Restarting,
        ];
        let files = [
            Place::Handler,
            Place::Upkeep,
            Place::Started,
            Place::Restarting,
            Place::Look,
        ];
        let mut restarts = 0;
        for number in 0..PANICS {
            target.store(number, Ordering::SeqCst);
            let door = scene
                .roster
                .get(&format!("s{}", number % SELECTORS))
                .unwrap();
            let round = number / SELECTORS;
            let place = if number % 2 == 0 {
                sockets[round % sockets.len()]
            } else {
                files[round % files.len()]
            };
            restarts += fail_and_recover(door, place).await;
        }
        done.store(true, Ordering::SeqCst);
        let scrapes = bystanders.await.unwrap();
        assert!(scrapes > 1000, "only {scrapes} scrapes of the others");
        assert!(restarts >= PANICS as u64, "{restarts} restarts");
        for door in scene.roster.iter() {
            let snapshot = door.snapshot();
            assert_eq!((snapshot.state, snapshot.in_flight), (State::Running, 0));
            assert_eq!(scrape(door).await, Ok(()));
        }
        drop(scene.arbiters);
    });
}

#[test]
fn a_roster_that_is_dropped_ends_its_actors_and_their_series() {
    actix_rt::System::new().block_on(async {
        let scene = scene();
        let statuses: Vec<_> = scene
            .roster
            .iter()
            .map(|door| Arc::clone(&door.status))
            .collect();
        for door in scene.roster.iter() {
            while scrape(door).await.is_err() {}
            door.faults.recall();
        }
        drop(scene.roster);
        let end = Instant::now() + PATIENCE;
        for status in statuses {
            while status.snapshot().state != State::Stopped || Arc::strong_count(&status) > 1 {
                assert!(Instant::now() < end, "{:?}", status.snapshot());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
}
