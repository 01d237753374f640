//! Nothing leaks: no descriptor, thread or scrape, and no memory beyond what the allocator keeps.

mod repeated;

use crate::support::{Exporter, exposition, make_fifo, quoted, until};
use local_exporter_daemons::bus::{BusKind, BusOptions};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::sync::atomic::{AtomicUsize, Ordering};

const SCRAPES: usize = 1000;
/// How much three thousand scrapes may add to the resident memory, in bytes: 350 for each.
const KEPT: f64 = 1024.0 * 1024.0;

/// Scrapes a silent socket, a bus method that never replies, and a FIFO instead of a file, a
/// thousand times each.
#[test]
fn a_thousand_scrapes_of_silent_sources_leak_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, fifo) = (folder.path().join("sock"), folder.path().join("fifo"));
    let daemon = ScriptedDaemon::start(&socket, Behaviour::HangAfterAccept).unwrap();
    make_fifo(&fifo);
    let bus = BusOptions::new().kind(BusKind::System).start().unwrap();
    let prombus = Prombus::start(&bus.address(), exposition()).unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.defaults]\ntimeout = \"40ms\"\n[bridge.selectors]\n\
         socket = {{ kind = \"uds\", path = {} }}\nfifo = {{ kind = \"file\", path = {} }}\n\
         bus = {{ kind = \"dbus\", bus = \"{}\", destination = \"{}\", method = \"{}.Never\", path = \"{}\" }}\n",
        quoted(&socket),
        quoted(&fifo),
        bus.address(),
        prombus::NAME,
        prombus::FAULTS,
        prombus::PATH,
    ));
    let cases = [
        ("socket", 504, "timeout"),
        ("bus", 504, "timeout"),
        ("fifo", 502, "unsuitable"),
    ];
    let round = |scrapes: usize| {
        for (selector, status, reason) in cases {
            scrape_all(&exporter, selector, scrapes, status, reason);
        }
    };
    // One round first, which creates the threads and connections that are kept for reuse.
    round(50);
    let settled = || {
        let idle = |selector: &&str| exporter.actor(selector)["in_flight"] == 0;
        daemon.open() == 0 && ["socket", "bus", "fifo"].iter().all(idle)
    };
    until("no scrape is in flight before", settled);
    let resident = || exporter.metric("process_resident_memory_bytes").unwrap();
    let before = (exporter.descriptors(), exporter.threads());
    let resident_before = resident();
    round(SCRAPES);
    until("no scrape is in flight after", settled);
    let close = |after: usize, before: usize| after <= before + 3;
    until("no descriptor and no thread is left", || {
        close(exporter.descriptors(), before.0) && close(exporter.threads(), before.1)
    });
    println!("{resident_before} bytes, then {}", resident());
    until("no memory is left", || resident() <= resident_before + KEPT);
    for (selector, ..) in cases {
        assert_eq!(exporter.actor(selector)["scrapes"], SCRAPES + 50);
        assert_eq!(exporter.actor(selector)["restarts"], 0);
    }
    drop(prombus);
}

/// Scrapes with a few clients at once, each with its own connections.
fn scrape_all(exporter: &Exporter, selector: &str, scrapes: usize, status: u16, reason: &str) {
    const CLIENTS: usize = 4;
    let left = AtomicUsize::new(scrapes);
    let take = |n: usize| n.checked_sub(1);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
                    .is_ok()
                {
                    exporter
                        .scrape(selector)
                        .assert_error(status, selector, reason);
                }
            });
        }
    });
}
