//! Actors that panic and stop: they restart, other selectors are not affected, and each failure
//! is logged once.

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

/// Number of threads that inject faults, each into its own selectors.
const LANES: usize = 5;
/// The longest and the median time that scrapes of other selectors may take. A debug build takes
/// long to write a backtrace, and several are written at once on two processors. Both are far
/// below the timeout of three seconds.
const LONGEST: Duration = Duration::from_secs(1);
const USUAL: Duration = Duration::from_millis(100);

/// A fault to inject.
struct Injection {
    selector: usize,
    fault: &'static str,
    point: &'static str,
}

/// The faults of a fifth of the selectors, injected one after the other.
struct Lane {
    injections: Vec<Injection>,
    /// The index of the current one.
    now: AtomicUsize,
}

impl Lane {
    fn all() -> [Self; LANES] {
        let mut lanes = std::array::from_fn(|_| Self {
            injections: Vec::new(),
            now: AtomicUsize::new(0),
        });
        let kinds = [
            ("panic", PANICS, Behind::points as fn(Behind) -> _),
            ("stop", STOPS, Behind::stops),
        ];
        for (fault, times, points) in kinds {
            for index in 0..times {
                let selector = index % SELECTORS;
                let points: &[_] = points(Behind::of(selector));
                let point = points[index / SELECTORS % points.len()];
                lanes[selector % LANES].injections.push(Injection {
                    selector,
                    fault,
                    point,
                });
            }
        }
        lanes
    }

    fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    /// Injects all faults.
    fn run(&self, scene: &Scene) -> Panics {
        let mut panics = Panics::default();
        for (index, injection) in self.injections.iter().enumerate() {
            self.now.store(index, Ordering::SeqCst);
            let Injection {
                selector,
                fault,
                point,
            } = injection;
            scene.fail_and_recover(&name(*selector), fault, point, &mut panics);
        }
        panics
    }

    /// Whether a fault was injected into a selector since then.
    fn has_hit(&self, selector: usize, since: usize) -> bool {
        let mut meanwhile = self.injections[since..=self.now()].iter();
        meanwhile.any(|injection| injection.selector == selector)
    }
}

/// Scrapes all selectors until all faults were injected. Only scrapes of selectors with a fault may
/// fail. Returns the durations of the others.
fn scrape_all(scene: &Scene, lanes: &[Lane; LANES], over: &AtomicBool) -> Vec<Duration> {
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
        let scrape_all = || scrape_all(&scene, &lanes, &over);
        let scrapers = [(); 3].map(|()| scope.spawn(scrape_all));
        let lanes = lanes.each_ref();
        let lanes = lanes.map(|lane| scope.spawn(|| lane.run(&scene)));
        let ended = lanes.map(thread::ScopedJoinHandle::join);
        over.store(true, Ordering::SeqCst);
        let mut all = Panics::default();
        for panics in ended {
            all.0.extend(panics.unwrap().0);
        }
        let times = scrapers.map(|scraper| scraper.join().unwrap());
        (all, times.concat())
    });
    times.sort_unstable();
    let (usual, longest) = (times[times.len() / 2], times.last());
    println!(
        "{} scrapes of other selectors: {usual:.1?}/{longest:.1?}",
        times.len()
    );
    assert!(times.len() > PANICS, "only {} scrapes", times.len());
    assert!(usual < USUAL, "others usually took {usual:?}");
    scene.all_succeed();
    assert_eq!(start(&scene), began, "the process was restarted");
    each_is_logged_once(&scene, &panics);
}

/// The start time of the process, and how often it has started to listen.
fn start(scene: &Scene) -> (f64, usize) {
    let began = scene.exporter.metric("process_start_time_seconds");
    let log = scene.exporter.log();
    let listening = log.iter().filter(|line| line.contains("\"listening\""));
    (began.unwrap(), listening.count())
}

/// Every panic is logged as one line with its selector and a backtrace.
fn each_is_logged_once(scene: &Scene, injected: &Panics) {
    let lines = || {
        let events = scene.exporter.log().into_iter();
        let events = events.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        events
            .filter(|event| event["backtrace"].is_string())
            .collect::<Vec<_>>()
    };
    let total = injected.0.values().sum::<usize>();
    until("all panics are logged", || lines().len() >= total);
    let mut logged = BTreeMap::<String, usize>::new();
    for line in lines() {
        let selector = line["selector"].as_str();
        let selector = selector.unwrap_or_else(|| panic!("no selector in {line}"));
        *logged.entry(selector.to_owned()).or_default() += 1;
        assert_eq!(line["msg"], "panicked", "{line}");
        let panic = line["panic"].as_str().unwrap();
        assert!(panic.starts_with(INJECTED), "{line}");
        let backtrace = line["backtrace"].as_str().unwrap();
        assert!(backtrace.contains("local_exporter_actors::"), "{line}");
    }
    assert_eq!(logged, injected.0);
}

#[test]
fn back_offs_double_and_are_reported() {
    const FAILURES: u32 = 6;
    let scene = Scene::new(Backoff::Default);
    let name = name(0);
    for restarts in 1..=u64::from(FAILURES) {
        scene.inject(&name, "panic handler");
        scene
            .exporter
            .scrape(&name)
            .assert_error(503, &name, "crashed");
        // The caller is freed by the panic itself, a moment before the restart is counted.
        until("the restart is counted", || {
            scene.restarts(&name) >= restarts
        });
        assert_eq!(scene.restarts(&name), restarts);
        // Shorter back-offs may be over before a busy machine can observe them.
        if restarts == u64::from(FAILURES) {
            let refused = scene.exporter.scrape(&name);
            refused.assert_error(503, &name, "backoff");
            let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=4).contains(&after), "{after}");
            assert_eq!(scene.exporter.actor(&name)["state"], "backoff");
        }
        until("the actor has recovered", || {
            scene.exporter.scrape(&name).status == 200
        });
    }
    let events = scene.exporter.log().into_iter();
    let events = events.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let backoffs = events.filter(|event| event["msg"] == "actor panicked");
    let backoffs = backoffs.map(|event| {
        assert_eq!(event["selector"], name.as_str());
        duration(event["backoff"].as_str().unwrap())
    });
    let backoffs: Vec<_> = backoffs.collect();
    assert_eq!(backoffs.len(), FAILURES as usize);
    for (index, backoff) in (0..FAILURES).zip(backoffs) {
        let nominal = Duration::from_millis(100) * 2_u32.pow(index);
        assert!(
            (nominal.mul_f64(0.8)..=nominal).contains(&backoff),
            "{backoff:?}"
        );
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
