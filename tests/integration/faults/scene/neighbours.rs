//! Healthy sources of all kinds, and clients that scrape each of them continuously.
//!
//! Every response must have exactly the body of its source, long before a fault elsewhere would time
//! out. Changes of the file must be served soon.

use super::hold;
use super::latencies::Latencies;
use crate::support::{Exporter, exposition, open_to_all, quoted, until};
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::promsock::PromSock;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The pause of a client between two scrapes.
const PAUSE: Duration = Duration::from_millis(10);
/// The longest time until a changed file is served. The events of all directories share one queue, so
/// a storm in one directory delays changes in others, by up to a second and a half if three of these
/// tests share two processors; scrapes do not wait for that.
const CHANGE_SERVED: Duration = Duration::from_secs(3);

/// The healthy sources.
pub struct Neighbours {
    socket: PromSock,
    directory: PromSock,
    file: PromFile,
    versions: AtomicU64,
    prombus: Prombus,
    bus: Bus,
}

impl Neighbours {
    /// Creates a folder and starts all sources in it.
    pub fn start(folder: &Path) -> Self {
        let make = |name: &str| {
            let path = folder.join(name);
            std::fs::create_dir_all(&path).unwrap();
            open_to_all(&path);
            path
        };
        let bus = BusOptions::new()
            .kind(BusKind::System)
            .directory(make("bus"))
            .start()
            .unwrap();
        let file = PromFile::new(make("file").join("m.prom"));
        file.write(&version(0)).unwrap();
        let socket = PromSock::bind(make("uds").join("sock"), exposition());
        let public = make("directory").join("metrics.promsock");
        Self {
            socket: socket.unwrap(),
            directory: PromSock::bind(public, exposition()).unwrap(),
            file,
            versions: AtomicU64::new(0),
            prombus: Prombus::start(&bus.address(), exposition()).unwrap(),
            bus,
        }
    }

    /// Their configuration.
    pub fn selectors(&self, refresh: &str) -> String {
        format!(
            "[bridge.selectors]\n\
             near_uds = {{ kind = \"uds\", path = {} }}\n\
             near_directory = {}\n\
             near_file = {{ kind = \"file\", path = {}, refresh = {refresh:?} }}\n\
             near_dbus = {{ kind = \"dbus\", bus = {:?}, destination = {:?}, method = \"{}.{}\", path = {:?} }}\n",
            quoted(self.socket.path()),
            quoted(self.directory.path().parent().unwrap()),
            quoted(self.file.path()),
            self.bus.address(),
            prombus::NAME,
            prombus::INTERFACE,
            prombus::METHOD,
            prombus::PATH,
        )
    }

    /// Waits until a scrape of each has succeeded.
    pub fn are_up(&self, exporter: &Exporter) {
        for selector in ["near_uds", "near_directory", "near_file", "near_dbus"] {
            until(selector, || exporter.scrape(selector).status == 200);
        }
    }

    /// Scrapes all of them while `what` runs, and at least once.
    pub fn watched<T>(&self, exporter: &Exporter, what: impl FnOnce() -> T) -> (T, Latencies) {
        let over = AtomicBool::new(false);
        let follow = |client: fn(&Self, &Exporter, &mut Latencies)| {
            let mut seen = Latencies::default();
            while seen.is_empty() || !over.load(Ordering::Relaxed) {
                client(self, exporter, &mut seen);
                hold(PAUSE);
            }
            seen
        };
        let clients: [fn(&Self, &Exporter, &mut Latencies); 4] = [
            |all, exporter, seen| {
                scrape(exporter, "near_uds", seen, || all.socket.last_served());
            },
            |all, exporter, seen| {
                scrape(exporter, "near_directory", seen, || {
                    all.directory.last_served()
                });
            },
            |all, exporter, seen| {
                scrape(exporter, "near_dbus", seen, || all.prombus.last_served());
            },
            |all, exporter, seen| change_file(exporter, &all.file, &all.versions, seen),
        ];
        std::thread::scope(|scope| {
            let follow = &follow;
            let clients = clients.map(|client| scope.spawn(move || follow(client)));
            // Also if `what` panics; otherwise the clients would never stop.
            let end = End(&over);
            let outcome = what();
            drop(end);
            let mut all = Latencies::default();
            for client in clients {
                all.add(client.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            (outcome, all)
        })
    }
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn version(number: u64) -> Vec<u8> {
    format!("near_file_version {number}\n").into_bytes()
}

/// One scrape, whose body has to be the current version of the source.
fn scrape(
    exporter: &Exporter,
    selector: &'static str,
    seen: &mut Latencies,
    served: impl FnOnce() -> Option<Vec<u8>>,
) -> Vec<u8> {
    let began = Instant::now();
    let reply = exporter.scrape(selector);
    let took = began.elapsed();
    assert_eq!(reply.status, 200, "{selector}: {}", reply.text());
    seen.response(selector, took);
    let served = served();
    assert!(
        served.as_ref().is_none_or(|served| *served == reply.body),
        "{selector}: {}",
        reply.text()
    );
    reply.body
}

/// Writes a new version of the file and scrapes until it is served; the previous one is served before.
fn change_file(exporter: &Exporter, file: &PromFile, versions: &AtomicU64, seen: &mut Latencies) {
    let number = versions.fetch_add(1, Ordering::Relaxed);
    let (old, new) = (version(number), version(number + 1));
    file.write(&new).unwrap();
    let written = Instant::now();
    loop {
        let body = scrape(exporter, "near_file", seen, || None);
        let took = written.elapsed();
        assert!(
            took < CHANGE_SERVED,
            "the file was not read again within {took:?}"
        );
        if body == new {
            seen.change_served(took);
            return;
        }
        assert_eq!(body, old);
        hold(PAUSE);
    }
}
