//! Names on a message bus that move between owners.

use super::bus::{Served, good_service, scene};
use super::scene::{Expected, GOOD, Outcome};
use crate::support::until;
use local_exporter_daemons::prombus::Claim;
use local_exporter_daemons::scripted_service::{Reply, ScriptedService};
use std::time::{Duration, Instant};

#[test]
fn its_owner_dies_during_the_call_and_another_takes_it() {
    let (scene, Served { bus, service }) = scene();
    assert!(scene.is_good());
    let expected = Expected::error("reset", "disconnected from message bus without replying");
    scene.meanwhile("dies during the call", || {
        service.set(Reply::Never);
        let calls = service.calls();
        let took = std::thread::scope(|scope| {
            let scrape = scope.spawn(|| scene.exporter.scrape("it"));
            until("the call is in progress", || service.calls() > calls);
            let died = Instant::now();
            drop(service);
            expected.assert(&scrape.join().unwrap(), died.elapsed());
            died.elapsed()
        });
        let other = good_service(&bus);
        assert!(scene.is_good());
        (Outcome::of(expected, took), other)
    });
}

#[test]
fn its_owner_loses_it_during_the_call() {
    let (scene, Served { bus, service }) = scene();
    drop(service);
    let start = |claim, reply| ScriptedService::start_claiming(claim, &bus.address(), reply);
    let first = start(Claim::InTurn, Reply::Bytes(GOOD.to_vec())).unwrap();
    assert!(scene.is_good());
    scene.meanwhile("loses its name during the call", || {
        let began = Instant::now();
        let calls = first.calls();
        first.set(Reply::Late(
            Duration::from_millis(500),
            b"first 1\n".to_vec(),
        ));
        std::thread::scope(|scope| {
            let scrape = scope.spawn(|| scene.exporter.scrape("it"));
            until("the call is in progress", || first.calls() > calls);
            let second = start(Claim::Replacing, Reply::Bytes(GOOD.to_vec())).unwrap();
            // The service that was called replies, even without the name.
            assert_eq!(scrape.join().unwrap().body, b"first 1\n");
            assert!(scene.is_good());
            assert_eq!(second.calls(), 1);
        });
        // The second owner has left, and the first one, which was queued, owns the name again.
        first.set(Reply::Bytes(GOOD.to_vec()));
        assert!(scene.is_good());
        (Outcome::good(began.elapsed()), ())
    });
}

#[test]
fn its_owner_loses_it_at_every_call() {
    let (scene, Served { bus, service }) = scene();
    drop(service);
    let reply = || Reply::Bytes(GOOD.to_vec());
    scene.meanwhile("loses its name at every call", || {
        let start = || ScriptedService::start_claiming(Claim::Replacing, &bus.address(), reply());
        let mut owner = start().unwrap();
        let mut longest = Duration::ZERO;
        for _ in 0..30 {
            let next = start().unwrap();
            let began = Instant::now();
            assert!(scene.is_good());
            longest = longest.max(began.elapsed());
            assert_eq!(next.calls(), 1, "the call went to the owner of that moment");
            owner = next;
        }
        (Outcome::good(longest), owner)
    });
}
