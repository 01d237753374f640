//! Healthy daemons, and a client that scrapes them while other clients misbehave.
//!
//! The client keeps its connection: a flood may delay new connections, which other tests cover.

use super::Scene;
use crate::support::{quoted, until};
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_daemons::promsock::PromSock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const BODY: &str = "live 1\n";
/// The selectors of [`Live`].
pub const SELECTORS: [&str; 2] = ["live_socket", "live_bus"];
/// How long the client waits between two scrapes.
const PAUSE: Duration = Duration::from_millis(5);
/// Number of responses that every bystander must get during the misbehaviour. Benchmarks measure
/// how fast they are.
const RESPONSES: usize = 20;

/// A daemon with a socket, and one on a bus.
pub struct Live {
    socket: PromSock,
    _prombus: Prombus,
    bus: Bus,
    _folder: TempDir,
}

impl Live {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let body = || BODY.as_bytes().to_vec();
        let bus = BusOptions::new().kind(BusKind::System).start().unwrap();
        Self {
            socket: PromSock::bind(folder.path().join("sock"), body).unwrap(),
            _prombus: Prombus::start(&bus.address(), body).unwrap(),
            bus,
            _folder: folder,
        }
    }

    /// Their selectors.
    pub fn selectors(&self) -> String {
        format!(
            "live_socket = {{ kind = \"uds\", path = {} }}\n\
             live_bus = {{ kind = \"dbus\", bus = {:?}, destination = {:?}, method = \"{}.{}\", path = {:?} }}\n",
            quoted(self.socket.path()),
            self.bus.address(),
            prombus::NAME,
            prombus::INTERFACE,
            prombus::METHOD,
            prombus::PATH,
        )
    }
}

/// Clients whose requests are served while other clients misbehave.
#[derive(Default)]
pub struct Bystanders {
    over: AtomicBool,
    responses: Mutex<Vec<Arc<AtomicUsize>>>,
}

impl Bystanders {
    /// Adds a bystander; returns the counter of its responses. Must be called before
    /// [`Bystanders::are_served`].
    pub fn join(&self) -> Arc<AtomicUsize> {
        let responses = Arc::default();
        self.responses.lock().unwrap().push(Arc::clone(&responses));
        responses
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Waits until each got [`RESPONSES`] more, while the misbehaviour continues.
    #[track_caller]
    pub fn are_served(&self) {
        let responses = self.responses.lock().unwrap();
        let counts = || responses.iter().map(|count| count.load(Ordering::Relaxed));
        let before: Vec<_> = counts().collect();
        until("the bystanders are served meanwhile", || {
            let mut more = counts().zip(&before).map(|(now, before)| now - before);
            more.all(|more| more >= RESPONSES)
        });
    }

    /// Ends the bystanders on drop, also after a panic.
    pub fn until_dropped(&self) -> impl Drop {
        Over(&self.over)
    }
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Scrapes both daemons while `what` runs, and for a while after it.
pub fn scraped_meanwhile<T>(scene: &Scene, what: impl FnOnce() -> T) -> T {
    let bystanders = Bystanders::default();
    std::thread::scope(|scope| {
        let _over = bystanders.until_dropped();
        for selector in SELECTORS {
            let (bystanders, responses) = (&bystanders, bystanders.join());
            scope.spawn(move || scrape_until_over(scene, selector, bystanders, &responses));
        }
        let outcome = what();
        bystanders.are_served();
        outcome
    })
}

/// Scrapes one daemon until the bystanders end.
pub fn scrape_until_over(
    scene: &Scene,
    selector: &str,
    bystanders: &Bystanders,
    responses: &AtomicUsize,
) {
    let mut connection = scene.connect();
    let (mut times, mut reconnects) = (Vec::new(), 0);
    while !bystanders.is_over() {
        let began = Instant::now();
        connection.request(&format!("/bridge?selector={selector}"));
        if let Some(reply) = connection.try_reply() {
            times.push(began.elapsed());
            assert_eq!((reply.status, &*reply.text()), (200, BODY), "{selector}");
            responses.fetch_add(1, Ordering::Relaxed);
        } else {
            // Between two scrapes the connection is idle and may be evicted.
            connection = scene.connect();
            reconnects += 1;
        }
        std::thread::park_timeout(PAUSE);
    }
    times.sort_unstable();
    println!(
        "{selector}: {} responses, the median after {:.1?}, the longest after {:.1?}, {reconnects} reconnects",
        times.len(),
        times.get(times.len() / 2),
        times.last()
    );
}
