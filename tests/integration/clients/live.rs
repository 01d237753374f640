//! Sources that answer, and a client that asks for them while others misbehave.
//!
//! The client keeps its connection: how long it takes to be let in is another matter, which a flood
//! may well prolong, and is looked at elsewhere.

use super::Scene;
use crate::support::quoted;
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_daemons::promsock::PromSock;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const BODY: &str = "live 1\n";
/// The selectors of [`Live`].
pub const SELECTORS: [&str; 2] = ["live_socket", "live_bus"];
/// How long the client waits between two scrapes.
const PAUSE: Duration = Duration::from_millis(5);
/// What half of the scrapes may take: beyond the few milliseconds that it takes a debug build, and
/// far below the time of whoever waits for somebody that misbehaves.
const USUAL: Duration = Duration::from_millis(50);
/// What a single one may take. The longest that was seen is a quarter of a second, on two processors
/// with much else to do, while a thousand connections come.
pub const LONGEST: Duration = Duration::from_millis(750);

/// A daemon behind a socket, and one on a bus.
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

    /// Their lines in the table of selectors.
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

/// Scrapes both of them while something else happens.
pub fn scraped_meanwhile<T>(scene: &Scene, what: impl FnOnce() -> T) -> T {
    std::thread::scope(|scope| {
        // Dropped at the end, also if that is a panic.
        let under_way = Arc::new(());
        for selector in SELECTORS {
            let under_way = Arc::downgrade(&under_way);
            scope.spawn(move || scrape_until_over(scene, selector, LONGEST, &under_way));
        }
        let outcome = what();
        drop(under_way);
        outcome
    })
}

/// Scrapes one of them for as long as something is under way, and at least once; none may take
/// longer than `most`.
pub fn scrape_until_over(scene: &Scene, selector: &str, most: Duration, under_way: &Weak<()>) {
    let mut connection = scene.connect();
    let (mut times, mut anew) = (Vec::new(), 0);
    while times.is_empty() || under_way.strong_count() > 0 {
        let began = Instant::now();
        connection.ask(&format!("/bridge?selector={selector}"));
        if let Some(reply) = connection.answer() {
            times.push(began.elapsed());
            assert_eq!((reply.status, &*reply.text()), (200, BODY), "{selector}");
        } else {
            // Between two scrapes it is as idle as any, and may be the one that gives way.
            connection = scene.connect();
            anew += 1;
        }
        std::thread::park_timeout(PAUSE);
    }
    times.sort_unstable();
    let (usual, longest) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{selector}: {} answers, usually after {usual:.1?}, the longest after {longest:.1?}, \
         connected anew {anew} times",
        times.len()
    );
    assert!(usual < USUAL, "{selector} usually took {usual:?}");
    assert!(longest < most, "{selector} took {longest:?}");
}
