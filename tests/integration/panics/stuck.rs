//! Code that does not return: which selectors it blocks, that it is shown, and that the process
//! can be stopped.

use super::scene::{Backoff, SELECTORS, Scene, name};
use crate::support::until;
use std::thread;
use std::time::{Duration, Instant};

/// The time after which container engines kill a process.
const STOP_BOUND: Duration = Duration::from_secs(10);

/// Lets the actor of a selector get stuck, and waits until its scrapes time out.
fn stick(scene: &Scene, selector: &str, point: &str) {
    scene.inject(selector, &format!("stuck {point}"));
    if point == "read" {
        // Files are read when the actor starts.
        scene.inject(selector, "panic handler");
    }
    until("the actor is stuck", || {
        scene.exporter.scrape(selector).status == 504
    });
}

/// The selectors that time out when all are scraped at once.
fn timed_out(scene: &Scene) -> Vec<usize> {
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
        let timed_out = scrapes.into_iter().map(|scrape| scrape.join().unwrap());
        timed_out.flatten().collect()
    })
}

#[test]
fn stuck_code_is_shown_and_the_other_actors_on_its_thread_are_evacuated() {
    thread::scope(|scope| {
        for (number, point) in [(0, "handler"), (1, "background"), (2, "pull")] {
            scope.spawn(move || stuck_for_long(number, point));
        }
    });
}

fn stuck_for_long(number: usize, point: &str) {
    let scene = Scene::new(Backoff::Default);
    let stuck = name(number);
    stick(&scene, &stuck, point);
    let state = || scene.exporter.actor(&stuck)["state"].clone();
    until("its thread is abandoned", || state() == "stuck");
    assert_eq!(timed_out(&scene), [number], "{point}");

    let oldest = || scene.exporter.actor(&stuck)["oldest_in_flight_seconds"].as_f64();
    let before = oldest().unwrap();
    assert!(before > 3.0, "{before} s, and a scrape has ended after 3 s");
    until("its age increases", || oldest().unwrap() > before);
    let series = format!("local_exporter_actor_state{{selector=\"{stuck}\",state=\"stuck\"}} 1");
    let metrics = scene.exporter.get("/metrics");
    assert!(metrics.text().contains(&series), "{}", metrics.text());
    for page in ["/-/healthy", "/"] {
        assert_eq!(scene.exporter.get(page).status, 200, "{page}");
    }

    scene.inject(&stuck, "release");
    scene.all_succeed();
    until("the actor has recovered", || state() == "running");
}

#[test]
fn a_read_or_a_validation_that_hangs_blocks_only_its_selector() {
    let scene = Scene::new(Backoff::Default);
    for (number, point) in [(1, "read"), (12, "validate")] {
        stick(&scene, &name(number), point);
        assert_eq!(timed_out(&scene), [number], "{point}");
        scene.inject(&name(number), "release");
        scene.all_succeed();
    }
}

#[test]
fn a_stuck_actor_does_not_prevent_shutdown() {
    for (number, point) in [(0, "handler"), (1, "read")] {
        let mut scene = Scene::new(Backoff::Default);
        stick(&scene, &name(number), point);
        let began = Instant::now();
        scene.exporter.signal("TERM");
        assert_eq!(scene.exporter.ended().code(), Some(0), "{point}");
        assert!(
            began.elapsed() < STOP_BOUND,
            "{point}: {:?}",
            began.elapsed()
        );
    }
}
