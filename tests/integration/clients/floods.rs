//! Floods of connections: whoever has nothing to do with one is answered, and it takes no more
//! memory than its bound, while it lasts and afterwards.
//!
//! All bounds are absolute and far from what a busy machine does; the figures are printed.

use super::Scene;
use super::connection::Connection;
use crate::support::until;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How soon those are answered who have nothing to do with a flood. It is a tenth of a second with a
/// thousand connections and some two seconds with ten thousand: whoever finds the queue of new
/// connections full is let in by the kernel's second or third try, after one second and three.
const SOON: Duration = Duration::from_secs(5);
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

/// How many answers had which status.
type Statuses = BTreeMap<u16, usize>;

/// Lets the connections come that `come` makes, and waits for their answers, while a page, another
/// selector and the metrics are asked all the time; with the most memory that was resident.
fn flood(scene: &Scene, come: impl FnOnce() -> Vec<Connection>) -> (Statuses, f64) {
    let found = std::thread::scope(|scope| {
        // Dropped at the end of the flood, also if it ends in a panic.
        let under_way = Arc::new(());
        let flood = || Arc::downgrade(&under_way);
        let (healthy, well, watched) = (flood(), flood(), flood());
        scope.spawn(move || {
            let page = || assert_eq!(scene.exporter.get("/-/healthy").status, 200);
            bystander("/-/healthy", &healthy, page);
        });
        scope.spawn(move || bystander("another selector", &well, || scene.assert_well()));
        let most = scope.spawn(move || {
            let mut most = 0_f64;
            bystander("/metrics", &watched, || most = most.max(resident(scene)));
            most
        });
        let mut statuses = Statuses::new();
        for mut connection in come() {
            if let Some(status) = connection.status() {
                *statuses.entry(status).or_default() += 1;
            }
        }
        drop(under_way);
        (statuses, most.join().unwrap())
    });
    println!("{:?}", found.0);
    found
}

/// Asks until the flood is over, and at least once; each answer has to be there soon.
fn bystander(name: &str, flood: &Weak<()>, mut ask: impl FnMut()) {
    let (mut answers, mut longest) = (0_usize, Duration::ZERO);
    while answers == 0 || flood.strong_count() > 0 {
        let began = Instant::now();
        ask();
        let took = began.elapsed();
        assert!(took < SOON, "{name} took {took:?}");
        answers += 1;
        longest = longest.max(took);
    }
    println!("{name}: {answers} answers, the longest after {longest:?}");
}

/// Connections as fast as they can be had, then a scrape of one selector that hangs on each; twice,
/// since what the first flood leaves may be used again, but not added to. So many are let in at once.
fn scrapes(connections: usize, service: &str, at_once: u32) {
    let scene = Scene::start(service, "2s");
    drop(scene.hang(1));
    until("it is warm", || scene.hung.open() == 0);
    let calm = Calm::of(&scene);
    for _ in 0..2 {
        let (statuses, most) = flood(&scene, || {
            let mut clients: Vec<_> = (0..connections).map(|_| scene.connect()).collect();
            for client in &mut clients {
                client.ask("/bridge?selector=hung");
            }
            clients
        });
        let expected = |status: &u16| matches!(status, 503 | 504);
        assert!(statuses.keys().all(expected), "{statuses:?}");
        until("the daemon is left alone", || scene.hung.open() == 0);
        calm.assert_bounded(&scene, most, at_once * MEMORY_IDLE);
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
    let scene = Scene::start("max_connections = 300\nheader_timeout = \"1s\"", "5s");
    let calm = Calm::of(&scene);
    let (statuses, most) = flood(&scene, || {
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
    let expected = |status: &u16| matches!(status, 408 | 431);
    assert!(statuses.keys().all(expected), "{statuses:?}");
    assert!(scene.met("header_size") > 0.0 && scene.met("header_timeout") > 0.0);
    calm.assert_bounded(&scene, most, 300 * MEMORY_HEAD);
}
