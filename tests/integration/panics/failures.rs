//! Actors that panic and stop: they come back, nobody else notices, and the log tells
//! of each once.

use super::ORDERED;
use super::scene::{Behind, Panics, Rests, SELECTORS, Scene, name};
use crate::support::until;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const PANICS: usize = 1000;
const STOPS: usize = 100;

/// What befalls whom, one after the other.
fn troubles() -> impl Iterator<Item = (usize, &'static str, &'static str)> {
    let panics = (0..PANICS).map(|index| {
        let places = Behind::of(index % SELECTORS).places();
        (
            index % SELECTORS,
            "panic",
            places[index / SELECTORS % places.len()],
        )
    });
    let stops = (0..STOPS).map(|index| {
        let places = Behind::of(index % SELECTORS).stops();
        (
            index % SELECTORS,
            "stop",
            places[index / SELECTORS % places.len()],
        )
    });
    panics.chain(stops)
}

#[test]
fn a_thousand_panics_under_load_and_no_other_scrape_fails() {
    let scene = Scene::new(Rests::Short);
    let process = scene.exporter.process();
    let (target, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut panics = Panics::default();
    let scrapes: usize = thread::scope(|scope| {
        let bystander = || {
            let mut scrapes = 0;
            while !done.load(Ordering::SeqCst) {
                for number in 0..SELECTORS {
                    let before = target.load(Ordering::SeqCst);
                    let reply = scene.exporter.scrape(&name(number));
                    // Only who was a target meanwhile may fail.
                    let mut meanwhile = before..=target.load(Ordering::SeqCst);
                    let hit = meanwhile.any(|target| target % SELECTORS == number);
                    assert!(reply.status == 200 || hit, "s{number}: {}", reply.text());
                    scrapes += 1;
                }
            }
            scrapes
        };
        let bystanders = [scope.spawn(bystander), scope.spawn(bystander)];
        for (index, (number, fault, place)) in troubles().enumerate() {
            target.store(index, Ordering::SeqCst);
            scene.fail_and_recover(&name(number), fault, place, &mut panics);
        }
        done.store(true, Ordering::SeqCst);
        bystanders
            .into_iter()
            .map(|bystander| bystander.join().unwrap())
            .sum()
    });
    assert!(scrapes > PANICS, "only {scrapes} scrapes of the others");
    scene.all_answer();
    assert_eq!(scene.exporter.process(), process);
    each_is_logged_once(&scene, &panics);
}

/// Every panic is one line, with its selector and where it came from.
fn each_is_logged_once(scene: &Scene, ordered: &Panics) {
    let lines = || {
        let events = scene.exporter.log().into_iter();
        let events = events.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        events
            .filter(|event| event["backtrace"].is_string())
            .collect::<Vec<_>>()
    };
    let total = ordered.0.values().sum::<usize>();
    until("all of them are logged", || lines().len() >= total);
    let mut logged = BTreeMap::<String, usize>::new();
    for line in lines() {
        let selector = line["selector"].as_str();
        let selector = selector.unwrap_or_else(|| panic!("whose is {line}"));
        *logged.entry(selector.to_owned()).or_default() += 1;
        assert_eq!(line["message"], "panicked", "{line}");
        let panic = line["panic"].as_str().unwrap();
        assert!(panic.starts_with(ORDERED), "{line}");
        let backtrace = line["backtrace"].as_str().unwrap();
        assert!(backtrace.contains("local_exporter_actors::"), "{line}");
    }
    assert_eq!(logged, ordered.0);
}

#[test]
fn rests_grow_as_they_are_said_to_and_are_told() {
    const FAILURES: u32 = 6;
    let scene = Scene::new(Rests::Ordinary);
    let name = name(0);
    for restarts in 1..=u64::from(FAILURES) {
        scene.order(&name, "panic handler");
        scene
            .exporter
            .scrape(&name)
            .assert_error(503, &name, "crashed");
        assert_eq!(scene.restarts(&name), restarts);
        // Of the others one might see nothing on a busy machine: they are soon over.
        if restarts == u64::from(FAILURES) {
            let resting = scene.exporter.scrape(&name);
            resting.assert_error(503, &name, "resting");
            let after: u64 = resting.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=4).contains(&after), "{after}");
            assert_eq!(scene.exporter.actor(&name)["state"], "resting");
        }
        until("it is back", || scene.exporter.scrape(&name).status == 200);
    }
    let events = scene.exporter.log().into_iter();
    let events = events.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let rests = events.filter(|event| event["message"] == "actor panicked and rests");
    let rests = rests.map(|event| {
        assert_eq!(event["selector"], name.as_str());
        duration(event["rest"].as_str().unwrap())
    });
    let rests: Vec<_> = rests.collect();
    assert_eq!(rests.len(), FAILURES as usize);
    for (index, rest) in (0..FAILURES).zip(rests) {
        let nominal = Duration::from_millis(100) * 2_u32.pow(index);
        assert!((nominal.mul_f64(0.8)..=nominal).contains(&rest), "{rest:?}");
    }
}

/// A duration as it is logged: `93.4ms` or `1.52s`.
fn duration(text: &str) -> Duration {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap(), 1.0),
    };
    Duration::from_secs_f64(number.parse::<f64>().unwrap() * unit)
}
