//! Actors that panic and stop: they come back, nobody else notices, and the log tells
//! of each once.

use super::INJECTED;
use super::scene::{Backoff, Behind, Panics, SELECTORS, Scene, name};
use crate::support::until;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PANICS: usize = 1000;
const STOPS: usize = 100;

/// How many selectors are in trouble at any moment, each with those of its own.
const LANES: usize = 5;
/// What a scrape of those who are not in trouble may take, and what half of them may: a debug build
/// takes long to write a backtrace, and several at once have two processors. It is far from the
/// three seconds at which a scrape would be given up.
const LONGEST: Duration = Duration::from_secs(1);
const USUAL: Duration = Duration::from_millis(100);

/// What befalls whom, and where.
struct Trouble {
    selector: usize,
    fault: &'static str,
    place: &'static str,
}

/// What befalls a fifth of the selectors, one after the other.
struct Lane {
    troubles: Vec<Trouble>,
    /// The one of them that is under way.
    now: AtomicUsize,
}

impl Lane {
    fn all() -> [Self; LANES] {
        let mut lanes = std::array::from_fn(|_| Self {
            troubles: Vec::new(),
            now: AtomicUsize::new(0),
        });
        let kinds = [
            ("panic", PANICS, Behind::places as fn(Behind) -> _),
            ("stop", STOPS, Behind::stops),
        ];
        for (fault, times, places) in kinds {
            for index in 0..times {
                let selector = index % SELECTORS;
                let places: &[_] = places(Behind::of(selector));
                let place = places[index / SELECTORS % places.len()];
                lanes[selector % LANES].troubles.push(Trouble {
                    selector,
                    fault,
                    place,
                });
            }
        }
        lanes
    }

    fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    /// Lets all of it happen.
    fn run(&self, scene: &Scene) -> Panics {
        let mut panics = Panics::default();
        for (index, trouble) in self.troubles.iter().enumerate() {
            self.now.store(index, Ordering::SeqCst);
            let Trouble {
                selector,
                fault,
                place,
            } = trouble;
            scene.fail_and_recover(&name(*selector), fault, place, &mut panics);
        }
        panics
    }

    /// Whether a selector was in trouble at some moment since.
    fn has_hit(&self, selector: usize, since: usize) -> bool {
        let mut meanwhile = self.troubles[since..=self.now()].iter();
        meanwhile.any(|trouble| trouble.selector == selector)
    }
}

/// Scrapes all of them until all trouble is over: only who is in trouble may fail. How long the
/// scrapes of the others took.
fn bystander(scene: &Scene, lanes: &[Lane; LANES], over: &AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    while !over.load(Ordering::SeqCst) {
        for number in 0..SELECTORS {
            let lane = &lanes[number % LANES];
            let (before, began) = (lane.now(), Instant::now());
            let reply = scene.exporter.scrape(&name(number));
            let took = began.elapsed();
            if !lane.has_hit(number, before) {
                assert_eq!(reply.status, 200, "s{number}: {}", reply.text());
                assert!(took < LONGEST, "s{number} took {took:?}");
                times.push(took);
            }
        }
    }
    times
}

#[test]
fn a_thousand_panics_under_load_and_no_other_scrape_fails() {
    let scene = Scene::new(Backoff::Short);
    let began = start(&scene);
    let (lanes, over) = (Lane::all(), AtomicBool::new(false));
    let (panics, mut times) = thread::scope(|scope| {
        let bystander = || bystander(&scene, &lanes, &over);
        let bystanders = [(); 3].map(|()| scope.spawn(bystander));
        let lanes = lanes.each_ref();
        let lanes = lanes.map(|lane| scope.spawn(|| lane.run(&scene)));
        let ended = lanes.map(thread::ScopedJoinHandle::join);
        over.store(true, Ordering::SeqCst);
        let mut all = Panics::default();
        for panics in ended {
            all.0.extend(panics.unwrap().0);
        }
        let times = bystanders.map(|bystander| bystander.join().unwrap());
        (all, times.concat())
    });
    times.sort_unstable();
    let (usual, longest) = (times[times.len() / 2], times.last());
    println!(
        "{} scrapes of others: {usual:.1?}/{longest:.1?}",
        times.len()
    );
    assert!(times.len() > PANICS, "only {} scrapes", times.len());
    assert!(usual < USUAL, "others usually took {usual:?}");
    scene.all_answer();
    assert_eq!(start(&scene), began, "another process");
    each_is_logged_once(&scene, &panics);
}

/// When the process began that answers, and how often one has begun to listen.
fn start(scene: &Scene) -> (f64, usize) {
    let began = scene.exporter.metric("process_start_time_seconds");
    let log = scene.exporter.log();
    let listening = log.iter().filter(|line| line.contains("\"listening\""));
    (began.unwrap(), listening.count())
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
        assert_eq!(line["msg"], "panicked", "{line}");
        let panic = line["panic"].as_str().unwrap();
        assert!(panic.starts_with(INJECTED), "{line}");
        let backtrace = line["backtrace"].as_str().unwrap();
        assert!(backtrace.contains("local_exporter_actors::"), "{line}");
    }
    assert_eq!(logged, ordered.0);
}

#[test]
fn rests_grow_as_they_are_said_to_and_are_told() {
    const FAILURES: u32 = 6;
    let scene = Scene::new(Backoff::Default);
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
            let refused = scene.exporter.scrape(&name);
            refused.assert_error(503, &name, "backoff");
            let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=4).contains(&after), "{after}");
            assert_eq!(scene.exporter.actor(&name)["state"], "backoff");
        }
        until("it is back", || scene.exporter.scrape(&name).status == 200);
    }
    let events = scene.exporter.log().into_iter();
    let events = events.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let rests = events.filter(|event| event["msg"] == "actor panicked");
    let rests = rests.map(|event| {
        assert_eq!(event["selector"], name.as_str());
        duration(event["backoff"].as_str().unwrap())
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
