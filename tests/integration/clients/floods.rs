//! Floods of connections: other clients are served, and memory stays below a bound, during the
//! flood and after it.
//!
//! The bounds are absolute and leave a margin for a busy machine; the figures are printed.

use super::Scene;
use super::connection::Connection;
use super::live::{self, Bystanders, Live};
use crate::support::{Reply, eventually, until};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The limits of the growth of the resident memory by floods, in bytes, and by each concurrently admitted
/// connection. An idle one takes 24 KiB, which the allocator keeps for the next flood.
/// Memory that grows with refused connections, or with each flood, exceeds the bound.
const MEMORY: u32 = 16 << 20;
const MEMORY_IDLE: u32 = 32 << 10;
/// The same for a connection with an incomplete request head, of which up to 32 KiB are read.
const MEMORY_HEAD: u32 = 64 << 10;

/// Resources of the process before a flood.
struct Baseline {
    descriptors: usize,
    resident: f64,
}

impl Baseline {
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

    /// Waits until the number of descriptors is as before; compares the maximum and the current
    /// memory with what connections may add.
    #[track_caller]
    fn assert_bounded(&self, scene: &Scene, most: f64, connections: u32) {
        until("no descriptor is left", || {
            scene.exporter.descriptors() <= self.descriptors
        });
        let more = [most, resident(scene)].map(|resident| resident - self.resident);
        let bound = f64::from(MEMORY + connections);
        println!(
            "{} descriptors before and after, {} bytes before, {more:?} more during it and after it, \
             the bound is {bound}",
            self.descriptors, self.resident
        );
        assert!(more.iter().all(|more| *more <= bound), "{more:?} bytes");
    }
}

fn resident(scene: &Scene) -> f64 {
    let resident = scene.exporter.metric("process_resident_memory_bytes");
    resident.unwrap()
}

/// The results of a flood's connections.
struct Outcome {
    /// Number of responses by status.
    statuses: BTreeMap<u16, usize>,
    /// Number of connections that ended without a response.
    closed: usize,
    /// Number of connections that the exporter counts as evicted, refused or timed out.
    ended_by_limits: f64,
    /// Maximum of the resident memory.
    most: f64,
}

impl Outcome {
    /// Asserts that each connection got one of the expected responses or was ended by a limit,
    /// and that at least `least` got a response.
    #[track_caller]
    fn assert_results(&self, expected: [u16; 2], connections: usize, least: usize) {
        let Self {
            statuses,
            closed,
            ended_by_limits,
            ..
        } = self;
        let served: usize = statuses.values().sum();
        println!("{statuses:?}, {closed} closed, {ended_by_limits} ended by limits");
        assert!(statuses.keys().all(|status| expected.contains(status)));
        assert_eq!(served + closed, connections);
        assert!(served >= least, "only {served} got a response");
        // Connections with an incomplete head get a response when they time out.
        let timed_out = statuses.get(&408).copied().unwrap_or_default();
        let ended = u32::try_from(closed + timed_out).unwrap();
        assert!(
            f64::from(ended) <= *ended_by_limits,
            "some connections ended without a reason"
        );
    }
}

/// Number of connections that were evicted, refused or timed out.
fn ended_by_limits(scene: &Scene) -> f64 {
    let limits = ["max_connections", "reserve", "header_timeout"];
    limits.map(|limit| scene.reached(limit)).iter().sum()
}

/// Opens the connections that `connect` makes and waits for their responses, while a page, other
/// selectors and the metrics are requested all the time. The connections stay until all of these
/// were served.
fn flood(scene: &Scene, connect: impl FnOnce() -> Vec<Connection>) -> Outcome {
    let before = ended_by_limits(scene);
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
            let (bystanders, responses) = join();
            scope.spawn(move || live::scrape_until_over(scene, selector, bystanders, &responses));
        }
        let most = scope.spawn(move || {
            let mut most = 0_f64;
            bystander(scene, "/metrics", watched, |reply| {
                let resident = reply.metric("process_resident_memory_bytes");
                most = most.max(resident.unwrap());
            });
            most
        });
        let connections = connect();
        bystanders.are_served();
        let (mut statuses, mut closed) = (BTreeMap::new(), 0);
        for mut connection in connections {
            match connection.try_reply() {
                Some(reply) => *statuses.entry(reply.status).or_default() += 1,
                None => closed += 1,
            }
        }
        drop(over);
        Outcome {
            statuses,
            closed,
            most: most.join().unwrap(),
            ended_by_limits: ended_by_limits(scene) - before,
        }
    })
}

/// Sends requests, each on a new connection, until the flood is over. If the flood fills all slots
/// between connecting and the request, the connection may be evicted; the client retries. That
/// is rare.
fn bystander(
    scene: &Scene,
    path: &str,
    (bystanders, responses): (&Bystanders, Arc<AtomicUsize>),
    mut check: impl FnMut(Reply),
) {
    let (mut closed, mut longest) = (0, Duration::ZERO);
    while !bystanders.is_over() {
        let began = Instant::now();
        let reply = eventually(path, || {
            let mut connection = scene.connect();
            connection.request(path);
            let reply = connection.try_reply();
            closed += usize::from(reply.is_none());
            reply
        });
        check(reply);
        responses.fetch_add(1, Ordering::Relaxed);
        longest = longest.max(began.elapsed());
    }
    let responses = responses.load(Ordering::Relaxed);
    println!("{path}: {responses} responses, the longest after {longest:?}, {closed} closed");
    assert!(
        closed <= responses / 10 + 1,
        "{path}: {closed} of {responses} closed"
    );
}

/// Opens connections as fast as possible, then scrapes a selector that hangs on each. Twice: the
/// second flood may reuse the memory of the first, but not add to it. `at_once` connections are
/// admitted at a time.
fn scrapes(connections: usize, service: &str, at_once: u32) {
    let live = Live::start();
    let scene = Scene::start_with(service, "2s", &live.selectors());
    drop(scene.hang(1));
    until("the exporter is warmed up", || scene.hung.open() == 0);
    let baseline = Baseline::of(&scene);
    for _ in 0..2 {
        let outcome = flood(&scene, || {
            let mut clients: Vec<_> = (0..connections).map(|_| scene.connect()).collect();
            for client in &mut clients {
                client.request("/bridge?selector=hung");
            }
            clients
        });
        outcome.assert_results([503, 504], connections, at_once as usize * 3 / 4);
        until("no connection to the daemon is left", || {
            scene.hung.open() == 0
        });
        baseline.assert_bounded(&scene, outcome.most, at_once * MEMORY_IDLE);
    }
    assert!(scene.reached("max_connections") > 0.0);
}

#[test]
fn a_thousand_connections_at_a_time_do_not_affect_other_clients() {
    scrapes(1000, "max_connections = 300", 300);
}

#[test]
#[ignore = "long: needs 20,000 descriptors"]
fn ten_thousand_connections_at_a_time_do_not_affect_other_clients() {
    // As many as the default of `max_connections`.
    scrapes(10_000, "", 4096);
}

/// Every second request head is far too large; the others are incomplete.
#[test]
fn a_flood_of_large_request_heads_does_not_affect_other_clients() {
    let live = Live::start();
    let service = "max_connections = 300\nheader_timeout = \"1s\"";
    let scene = Scene::start_with(service, "5s", &live.selectors());
    let baseline = Baseline::of(&scene);
    let outcome = flood(&scene, || {
        let connect = |number: usize| {
            let length = if number.is_multiple_of(2) {
                60_000
            } else {
                20_000
            };
            let mut client = scene.connect();
            client.send(&format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(length)));
            client
        };
        (0..1000).map(connect).collect()
    });
    outcome.assert_results([408, 431], 1000, 400);
    assert!(scene.reached("header_size") > 0.0 && scene.reached("header_timeout") > 0.0);
    baseline.assert_bounded(&scene, outcome.most, 300 * MEMORY_HEAD);
}
