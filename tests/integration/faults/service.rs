//! Faults of a daemon on a message bus, and of other clients of the bus.

use super::bus::{Served, good_service, selector, system_bus};
use super::scene::{Expected, GOOD, Outcome, Recovery, Scene, TIMEOUT, When};
use local_exporter_daemons::bus::BusOptions;
use local_exporter_daemons::prombus::NAME;
use local_exporter_daemons::scripted_service::Reply;
use std::time::{Duration, Instant};

fn scene(options: BusOptions) -> (Scene, Served) {
    let served = Served::start(options);
    (Scene::start(|_| selector(&served.bus, TIMEOUT)), served)
}

/// Makes the daemon reply incorrectly, and expects the result.
#[track_caller]
fn fault(name: &str, reply: Reply, expected: Expected) {
    let (scene, served) = scene(system_bus());
    scene.fault(
        name,
        expected,
        Recovery::InTheNextResponse,
        || served.service.set(reply),
        |()| served.service.set(Reply::Bytes(GOOD.to_vec())),
    );
}

#[test]
fn does_not_reply() {
    let expected = Expected::timeout("the method was called and did not reply");
    fault("does not reply", Reply::Never, expected);
}

#[test]
fn replies_late() {
    let late = Reply::Late(TIMEOUT * 2, b"late 1\n".to_vec());
    let expected = Expected::timeout("the method was called and did not reply");
    fault("replies late", late, expected);
}

#[test]
fn replies_to_a_call_that_was_not_made() {
    let expected = Expected::timeout("the method was called and did not reply");
    fault(
        "replies to a call that was not made",
        Reply::Stray,
        expected,
    );
}

#[test]
fn sends_signals_without_end() {
    let expected = Expected::timeout("the method was called and did not reply");
    fault("sends signals without end", Reply::Signals, expected);
}

#[test]
fn replies_with_an_error() {
    let error = Reply::Error("a.daemon.Failed".into(), "no metrics today".into());
    let expected = Expected::error("refused", "a.daemon.Failed: no metrics today");
    fault("replies with an error", error, expected);
}

#[test]
fn replies_with_an_endless_error() {
    let error = Reply::Error("a.daemon.Failed".into(), "line\n".repeat(1 << 20));
    let expected = Expected::error("refused", "a.daemon.Failed: line");
    fault("replies with an endless error", error, expected);
}

#[test]
fn replies_with_a_wrong_signature() {
    let expected = Expected::error("malformed", "has signature \"u\", expected \"ay\"");
    fault(
        "replies with a wrong signature",
        Reply::Number(42),
        expected,
    );
}

const LARGE: usize = 64 << 20;

/// A bus that allows large messages, and a scene with enough time for them.
fn large() -> (Scene, Served) {
    let served = Served::start(BusOptions::new());
    let scene = Scene::start(|_| selector(&served.bus, TIMEOUT * 10));
    (scene, served)
}

#[test]
fn replies_with_a_structure_for_each_byte() {
    let (scene, served) = large();
    let body = GOOD.repeat(100_000);
    served.service.set(Reply::Structs(body.clone()));
    scene.meanwhile("replies with a structure for each byte", || {
        let began = Instant::now();
        assert!(scene.exporter.scrape("it").body == body, "the bytes differ");
        (Outcome::good(began.elapsed()), ())
    });
}

#[test]
#[ignore = "long: a debug build copies it slowly"]
fn replies_with_64_mib_that_the_bus_carries() {
    let (scene, served) = large();
    // The service, the bus and the exporter copy them several times, concurrently and slowly.
    let scene = scene.using_all_processors();
    for _ in 0..3 {
        scene.fault(
            "replies with 64 MiB, carried",
            Expected {
                when: When::Within(TIMEOUT * 5),
                ..Expected::error("too_large", "larger than max_bytes = 16777216")
            },
            Recovery::InTheNextResponse,
            || served.service.set(Reply::Large(LARGE)),
            |()| served.service.set(Reply::Bytes(GOOD.to_vec())),
        );
    }
}

/// The system bus allows 32 MiB, and disconnects a client that sends more.
#[test]
fn replies_with_64_mib_that_the_bus_does_not_carry() {
    let (scene, served) = scene(system_bus());
    assert!(scene.is_good());
    let expected = Expected::error("reset", "disconnected from message bus without replying");
    scene.meanwhile("replies with 64 MiB, not carried", || {
        served.service.set(Reply::Large(LARGE));
        let began = Instant::now();
        let reply = scene.exporter.scrape("it");
        expected.assert(&reply, began.elapsed());
        let took = began.elapsed();
        let reply = scene.exporter.scrape("it");
        Expected::error("absent", "no process owns that name").assert(&reply, Duration::ZERO);
        drop(served.service);
        let service = good_service(&served.bus);
        assert!(scene.is_good());
        (Outcome::of(expected, took), service)
    });
}

#[test]
fn is_not_on_the_bus() {
    let (scene, Served { bus, service }) = scene(system_bus());
    scene.fault(
        "is not on the bus",
        Expected::error("absent", "with auto_start = true the bus starts it"),
        Recovery::InTheNextResponse,
        || drop(service),
        |()| good_service(&bus),
    );
}

#[test]
fn is_denied_by_the_policy() {
    let (scene, served) = scene(system_bus());
    let deny =
        format!("<policy context=\"mandatory\"><deny send_destination=\"{NAME}\"/></policy>");
    scene.fault(
        "is denied by the policy",
        Expected::error(
            "denied",
            "the bus policy must allow this user to call the method",
        ),
        Recovery::Soon,
        || {
            served
                .bus
                .reconfigure(&system_bus().extra_xml(&deny))
                .unwrap();
        },
        |()| served.bus.reconfigure(&system_bus()).unwrap(),
    );
}
