//! Floods of connections: whoever has nothing to do with one is answered, and it takes no more
//! memory than its bound, while it lasts and afterwards.
//!
//! All bounds are absolute and far from what a busy machine does; the figures are printed.

use super::Scene;
use super::connection::Connection;
use super::live::{self, Bystanders, Live};
use crate::support::{Reply, eventually, until};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What floods may add to the resident memory, in bytes: so much, and so much for each connection
/// that is let in at once. One that is idle is seen to take 24 KiB, and the allocator keeps that for
/// the next flood. What grew with those that are not let in, or with each flood, would be beyond it.
const MEMORY: u32 = 16 << 20;
const MEMORY_IDLE: u32 = 32 << 10;
/// The same for a connection with a head that has not come to its end: those are read up to 32 KiB.
const MEMORY_HEAD: u32 = 64 << 10;

/// What the process held before a flood.
struct Calm {
    descriptors: usize,
    resident: f64,
}

impl Calm {
    fn of(scene: &Scene) -> Self {
        scene.assert_well();
        // The exporter keeps its connection to a bus.
        for selector in live::SELECTORS {
            assert_eq!(scene.exporter.scrape(selector).status, 200, "{selector}");
        }
        Self {
            descriptors: scene.exporter.descriptors(),
            resident: resident(scene),
        }
    }

    /// Waits until the descriptors are what they were; holds memory against what connections may add,
    /// the most there was and what there is.
    #[track_caller]
    fn assert_bounded(&self, scene: &Scene, most: f64, connections: u32) {
        until("no descriptor is left", || {
            scene.exporter.descriptors() <= self.descriptors
        });
        let more = [most, resident(scene)].map(|resident| resident - self.resident);
        let bound = f64::from(MEMORY + connections);
        println!(
            "{} descriptors before and after, {} bytes before, {more:?} more during it and after it, \
             {bound} may be",
            self.descriptors, self.resident
        );
        assert!(more.iter().all(|more| *more <= bound), "{more:?} bytes");
    }
}

fn resident(scene: &Scene) -> f64 {
    let resident = scene.exporter.metric("process_resident_memory_bytes");
    resident.unwrap()
}

/// What became of a flood's connections.
struct Outcome {
    /// How many answers had which status.
    statuses: BTreeMap<u16, usize>,
    /// How many connections ended without an answer.
    unheard: usize,
    /// How often the exporter says that it ended one for another, or for its silence.
    made_to_end: f64,
    /// The most memory that was resident.
    most: f64,
}

impl Outcome {
    /// Each got one of these answers or made way for another, and at least so many were answered.
    #[track_caller]
    fn assert_told(&self, expected: [u16; 2], connections: usize, least: usize) {
        let Self {
            statuses,
            unheard,
            made_to_end,
            ..
        } = self;
        let answered: usize = statuses.values().sum();
        println!("{statuses:?}, {unheard} unheard, {made_to_end} made to end");
        assert!(statuses.keys().all(|status| expected.contains(status)));
        assert_eq!(answered + unheard, connections);
        assert!(answered >= least, "only {answered} were answered");
        // Whoever had begun a head was told that its time was up.
        let told = statuses.get(&408).copied().unwrap_or_default();
        let ended = u32::try_from(unheard + told).unwrap();
        assert!(f64::from(ended) <= *made_to_end, "some just vanished");
    }
}

/// How many connections were ended to make way, or since nothing came.
fn made_to_end(scene: &Scene) -> f64 {
    let limits = ["max_connections", "reserve", "header_timeout"];
    limits.map(|limit| scene.met(limit)).iter().sum()
}

/// Lets the connections come that `come` makes, and waits for their answers, while a page, other
/// selectors and the metrics are requested all the time. The connections stay until all of these were answered.
fn flood(scene: &Scene, come: impl FnOnce() -> Vec<Connection>) -> Outcome {
    let before = made_to_end(scene);
    let bystanders = Bystanders::default();
    std::thread::scope(|scope| {
        let over = bystanders.until_dropped();
        let join = || (&bystanders, bystanders.join());
        let (healthy, well, watched) = (join(), join(), join());
        scope.spawn(move || {
            bystander(scene, "/-/healthy", healthy, |reply| {
                assert_eq!(reply.status, 200);
            });
        });
        scope.spawn(move || {
            let is_well = |reply: Reply| assert_eq!(reply.text(), "a 1\n");
            bystander(scene, "/bridge?selector=well", well, is_well);
        });
        for selector in live::SELECTORS {
            let (bystanders, answers) = join();
            scope.spawn(move || live::scrape_until_over(scene, selector, bystanders, &answers));
        }
        let most = scope.spawn(move || {
            let mut most = 0_f64;
            bystander(scene, "/metrics", watched, |reply| {
                let resident = reply.metric("process_resident_memory_bytes");
                most = most.max(resident.unwrap());
            });
            most
        });
        let connections = come();
        bystanders.are_answered();
        let (mut statuses, mut unheard) = (BTreeMap::new(), 0);
        for mut connection in connections {
            match connection.answer() {
                Some(reply) => *statuses.entry(reply.status).or_default() += 1,
                None => unheard += 1,
            }
        }
        drop(over);
        Outcome {
            statuses,
            unheard,
            most: most.join().unwrap(),
            made_to_end: made_to_end(scene) - before,
        }
    })
}

/// Sends a request on a new connection each time until the flood is over. A client that takes longer from
/// connecting to its request than the flood takes to fill all slots has lost its own by then, and tries again:
/// that is rare.
fn bystander(
    scene: &Scene,
    path: &str,
    (bystanders, answers): (&Bystanders, Arc<AtomicUsize>),
    mut look: impl FnMut(Reply),
) {
    let (mut unheard, mut longest) = (0, Duration::ZERO);
    while !bystanders.is_over() {
        let began = Instant::now();
        let reply = eventually(path, || {
            let mut connection = scene.connect();
            connection.ask(path);
            let reply = connection.answer();
            unheard += usize::from(reply.is_none());
            reply
        });
        look(reply);
        answers.fetch_add(1, Ordering::Relaxed);
        longest = longest.max(began.elapsed());
    }
    let answers = answers.load(Ordering::Relaxed);
    println!("{path}: {answers} answers, the longest after {longest:?}, {unheard} unheard");
    assert!(
        unheard <= answers / 10 + 1,
        "{path}: {unheard} of {answers} unheard"
    );
}

/// Connections as fast as they can be had, then a scrape of one selector that hangs on each; twice,
/// since what the first flood leaves may be used again, but not added to. So many are let in at once.
fn scrapes(connections: usize, service: &str, at_once: u32) {
    let live = Live::start();
    let scene = Scene::start_with(service, "2s", &live.selectors());
    drop(scene.hang(1));
    until("it is warm", || scene.hung.open() == 0);
    let calm = Calm::of(&scene);
    for _ in 0..2 {
        let outcome = flood(&scene, || {
            let mut clients: Vec<_> = (0..connections).map(|_| scene.connect()).collect();
            for client in &mut clients {
                client.ask("/bridge?selector=hung");
            }
            clients
        });
        outcome.assert_told([503, 504], connections, at_once as usize * 3 / 4);
        until("the daemon is left alone", || scene.hung.open() == 0);
        calm.assert_bounded(&scene, outcome.most, at_once * MEMORY_IDLE);
    }
    assert!(scene.met("max_connections") > 0.0);
}

#[test]
fn a_thousand_connections_at_once_harm_nobody_else() {
    scrapes(1000, "max_connections = 300", 300);
}

#[test]
#[ignore = "long: needs 20,000 descriptors"]
fn ten_thousand_connections_at_once_harm_nobody_else() {
    // As many as the default of `max_connections`.
    scrapes(10_000, "", 4096);
}

/// Heads of which every second is far too large, and the others have no end.
#[test]
fn a_flood_of_large_heads_harms_nobody_else() {
    let live = Live::start();
    let service = "max_connections = 300\nheader_timeout = \"1s\"";
    let scene = Scene::start_with(service, "5s", &live.selectors());
    let calm = Calm::of(&scene);
    let outcome = flood(&scene, || {
        let come = |number: usize| {
            let length = if number.is_multiple_of(2) {
                60_000
            } else {
                20_000
            };
            let mut client = scene.connect();
            client.send(&format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(length)));
            client
        };
        (0..1000).map(come).collect()
    });
    outcome.assert_told([408, 431], 1000, 400);
    assert!(scene.met("header_size") > 0.0 && scene.met("header_timeout") > 0.0);
    calm.assert_bounded(&scene, outcome.most, 300 * MEMORY_HEAD);
}
