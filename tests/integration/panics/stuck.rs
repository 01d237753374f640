//! Code that never returns: who is held up by it, that it is seen, and that the
//! process can be stopped all the same.

use super::scene::{Backoff, SELECTORS, Scene, name};
use crate::support::until;
use std::thread;
use std::time::{Duration, Instant};

/// Less than the 10 s after which container engines kill.
const STOP_BOUND: Duration = Duration::from_secs(10);

/// Has a selector get stuck, and returns once it answers nobody.
fn stick(scene: &Scene, selector: &str, place: &str) {
    scene.order(selector, &format!("stuck {place}"));
    if place == "read" {
        // Files are looked at when the actor starts.
        scene.order(selector, "panic handler");
    }
    until("it is stuck", || {
        scene.exporter.scrape(selector).status == 504
    });
}

/// Who does not answer in time, everybody being asked at once.
fn silent(scene: &Scene) -> Vec<usize> {
    thread::scope(|scope| {
        let scrape = |number: usize| {
            let reply = scene.exporter.scrape(&name(number));
            if reply.status != 200 {
                reply.assert_error(504, &name(number), "timeout");
            }
            (reply.status != 200).then_some(number)
        };
        let scrapes: Vec<_> = (0..SELECTORS)
            .map(|number| scope.spawn(move || scrape(number)))
            .collect();
        let silent = scrapes.into_iter().map(|scrape| scrape.join().unwrap());
        silent.flatten().collect()
    })
}

#[test]
fn code_that_never_returns_is_seen_and_whoever_lives_with_it_is_moved_away() {
    thread::scope(|scope| {
        for (number, place) in [(0, "handler"), (1, "background"), (2, "pull")] {
            scope.spawn(move || gets_stuck_for_good(number, place));
        }
    });
}

fn gets_stuck_for_good(number: usize, place: &str) {
    let scene = Scene::new(Backoff::Default);
    let stuck = name(number);
    stick(&scene, &stuck, place);
    let state = || scene.exporter.actor(&stuck)["state"].clone();
    until("its thread is given up", || state() == "stuck");
    assert_eq!(silent(&scene), [number], "{place}");

    let oldest = || scene.exporter.actor(&stuck)["oldest_in_flight_seconds"].as_f64();
    let before = oldest().unwrap();
    assert!(before > 3.0, "{before} s, and a scrape has ended after 3 s");
    until("it is seen to last", || oldest().unwrap() > before);
    let series = format!("local_exporter_actor_state{{selector=\"{stuck}\",state=\"stuck\"}} 1");
    let metrics = scene.exporter.get("/metrics");
    assert!(metrics.text().contains(&series), "{}", metrics.text());
    for page in ["/-/healthy", "/"] {
        assert_eq!(scene.exporter.get(page).status, 200, "{page}");
    }

    scene.order(&stuck, "release");
    scene.all_answer();
    until("it is as before", || state() == "running");
}

#[test]
fn a_file_system_that_hangs_or_a_body_that_is_judged_for_ever_holds_its_selector_alone() {
    let scene = Scene::new(Backoff::Default);
    for (number, place) in [(1, "read"), (12, "validate")] {
        stick(&scene, &name(number), place);
        assert_eq!(silent(&scene), [number], "{place}");
        scene.order(&name(number), "release");
        scene.all_answer();
    }
}

#[test]
fn whoever_is_stuck_does_not_keep_the_process_from_its_end() {
    for (number, place) in [(0, "handler"), (1, "read")] {
        let mut scene = Scene::new(Backoff::Default);
        stick(&scene, &name(number), place);
        let began = Instant::now();
        scene.exporter.signal("TERM");
        assert_eq!(scene.exporter.ended().code(), Some(0), "{place}");
        assert!(
            began.elapsed() < STOP_BOUND,
            "{place}: {:?}",
            began.elapsed()
        );
    }
}
