//! A storm of reloads, some with errors, during continuous scrapes: no scrape fails.

use super::{ENABLED, Scene, ask};
use crate::support::{Exporter, PATIENCE, exposition, until};
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// The interval between configurations.
const EVERY: Duration = Duration::from_millis(50);
/// The number of rounds after which the configuration has an error.
const BAD: usize = 5;
/// The selectors of every configuration.
const ALWAYS: [&str; 6] = ["socket", "file", "bus", "labelled", "moving", "turning"];
/// The permitted difference of memory: allocators keep some freed memory.
const MEMORY_KIB: u64 = 24 * 1024;

#[test]
fn five_seconds_of_reloads_fail_no_scrape() {
    storm(Duration::from_secs(5));
}

#[test]
#[ignore = "long: a minute"]
fn a_minute_of_reloads_fails_no_scrape() {
    storm(Duration::from_secs(60));
}

/// The configuration of one round, with constant, changing and temporary selectors.
fn configuration(scene: &Scene, bus: &Bus, round: usize) -> String {
    let odd = round % 2;
    let (kind, path) = [("uds", "one.sock"), ("file", "one.prom")][odd];
    let labels = format!(", min_interval = \"1h\", labels = {{ round = \"{round}\" }}");
    let selectors = [
        scene.selector("socket", "uds", "one.sock", ", min_interval = \"1h\""),
        scene.selector("file", "file", "one.prom", ""),
        scene.selector("labelled", "uds", "two.sock", &labels),
        scene.selector("moving", "file", ["one.prom", "two.prom"][odd], ""),
        scene.selector("turning", kind, path, ""),
        scene.selector(&format!("guest{}", round % 3), "file", "two.prom", ""),
        format!(
            "bus = {{ kind = \"dbus\", bus = \"{}\", destination = \"{}\", method = \"{}.{}\", path = \"{}\" }}\n",
            bus.address(),
            prombus::NAME,
            prombus::INTERFACE,
            prombus::METHOD,
            prombus::PATH,
        ),
    ];
    let mut text = format!("{ENABLED}[bridge.selectors]\n{}", selectors.concat());
    if is_bad(round) {
        text += "bad = { kind = \"telepathy\" }\n";
    }
    text
}

fn is_bad(round: usize) -> bool {
    round % BAD == BAD - 1
}

fn storm(lasts: Duration) {
    let scene = Scene::new();
    let bus = BusOptions::new().kind(BusKind::System).start().unwrap();
    let _prombus = Prombus::start(&bus.address(), exposition()).unwrap();
    let exporter = Exporter::start(&configuration(&scene, &bus, 0));
    let connections = scene_is_warm(&exporter, &bus);
    // A few rounds first, so that every selector has existed once.
    let mut round = rounds(&exporter, &scene, &bus, 1, Duration::from_secs(1));
    let before = Level::of(&exporter);

    let done = AtomicBool::new(false);
    let scrapes = AtomicU64::new(0);
    thread::scope(|scope| {
        let watchers: Vec<_> = ALWAYS
            .iter()
            .map(|name| scope.spawn(|| scrape_on(&exporter, name, &done, &scrapes)))
            .chain([scope.spawn(|| counters_never_fall(&exporter, &done))])
            .collect();
        round = rounds(&exporter, &scene, &bus, round, lasts);
        done.store(true, Ordering::SeqCst);
        for watcher in watchers {
            watcher.join().unwrap();
        }
    });
    let scrapes = scrapes.load(Ordering::SeqCst);
    println!("{round} reloads, {scrapes} scrapes, {before:?} before");
    assert!(scrapes > 100, "only {scrapes} scrapes");

    for name in ALWAYS {
        assert_eq!(exporter.actor(name)["restarts"], 0, "{name}");
    }
    // The unchanged selectors kept their connections to the bus.
    assert_eq!(scene.sockets[1].served(), 1, "the labelled one");
    assert_eq!(sockets(bus.process_id().unwrap()), connections);
    until("descriptors, threads and memory are as before", || {
        let after = Level::of(&exporter);
        after.is_no_more_than(&before)
    });
    println!("{:?} after", Level::of(&exporter));
}

/// Scrapes every selector once; returns the sockets of the bus.
fn scene_is_warm(exporter: &Exporter, bus: &Bus) -> BTreeSet<String> {
    for name in ALWAYS {
        let reply = exporter.scrape(name);
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
    }
    sockets(bus.process_id().unwrap())
}

/// Reloads one configuration after another, by signal and by request; returns the next round.
fn rounds(
    exporter: &Exporter,
    scene: &Scene,
    bus: &Bus,
    mut round: usize,
    lasts: Duration,
) -> usize {
    let end = Instant::now() + lasts;
    let mut next = Instant::now();
    while Instant::now() < end {
        exporter.configure(&configuration(scene, bus, round));
        if round.is_multiple_of(3) {
            exporter.signal("HUP");
        } else {
            let reply = ask(exporter, "POST");
            let expected = if is_bad(round) { 500 } else { 200 };
            assert_eq!(reply.status, expected, "{}", reply.text());
        }
        round += 1;
        next = (next + EVERY).max(Instant::now());
        until("the next round", || Instant::now() >= next);
    }
    round
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(PATIENCE)).build().into()
}

/// Scrapes without a pause; every scrape succeeds.
fn scrape_on(exporter: &Exporter, name: &str, done: &AtomicBool, scrapes: &AtomicU64) {
    let (agent, url) = (agent(), exporter.url(&format!("/bridge?selector={name}")));
    while !done.load(Ordering::SeqCst) {
        let mut response = agent.get(&url).call().unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        assert_eq!(response.status(), 200, "{name}: {text}");
        scrapes.fetch_add(1, Ordering::SeqCst);
    }
}

/// The counters of constant selectors exist and never fall.
fn counters_never_fall(exporter: &Exporter, done: &AtomicBool) {
    let agent = agent();
    let mut before = BTreeMap::<String, f64>::new();
    while !done.load(Ordering::SeqCst) {
        let mut response = agent.get(exporter.url("/metrics")).call().unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let now = counters(&text);
        for (series, value) in &before {
            let later = now.get(series);
            assert!(later >= Some(value), "{series} was {value}, is {later:?}");
        }
        before = now;
    }
    assert!(before.len() > ALWAYS.len(), "{before:?}");
}

fn counters(text: &str) -> BTreeMap<String, f64> {
    let of_always = |series: &str| {
        let named = |name: &&str| series.contains(&format!("selector=\"{name}\""));
        ALWAYS.iter().any(named)
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let series = lines.filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let name = series.split('{').next()?;
        let counts = name.ends_with("_total") || name.ends_with("_count");
        (counts && of_always(series)).then(|| (series.to_owned(), value.parse().unwrap()))
    });
    series.collect()
}

/// The sockets that a process has open.
fn sockets(process: u32) -> BTreeSet<String> {
    let links = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
    let names = targets.map(|target| target.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("socket:")).collect()
}

/// The resources that a leak would increase.
#[derive(Debug)]
struct Level {
    descriptors: usize,
    threads: usize,
    memory_kib: u64,
}

impl Level {
    fn of(exporter: &Exporter) -> Self {
        let status = fs::read_to_string(format!("/proc/{}/status", exporter.process())).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.unwrap().trim().trim_end_matches(" kB");
        Self {
            descriptors: exporter.descriptors(),
            threads: exporter.threads(),
            memory_kib: memory.parse().unwrap(),
        }
    }

    fn is_no_more_than(&self, before: &Self) -> bool {
        // Blocking threads start under load and end after some idle time.
        self.descriptors <= before.descriptors + 4
            && self.threads <= before.threads + 8
            && self.memory_kib <= before.memory_kib + MEMORY_KIB
    }
}
