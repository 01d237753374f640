//! Repeats quick faults and large replies: a descriptor or buffer that each of them leaks shows
//! after twenty.

use crate::support::{Exporter, quoted, until};
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::prombus::{INTERFACE, METHOD, NAME, PATH};
use local_exporter_daemons::scripted::ScriptedDaemon;
use local_exporter_daemons::scripted_service::{Reply, ScriptedService};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

const GOOD: &[u8] = b"it 1\n";
/// How often each fault happens.
const TIMES: usize = 20;
/// The number of faults after which everything that is kept for reuse exists.
const WARM: usize = 2;

/// How much resident memory may grow from then on, in bytes: the allocator keeps some freed memory;
/// twenty times 64 KiB would be more.
const KEPT: f64 = 1024.0 * 1024.0;

/// Repeats a fault, which must not leak a descriptor each time, nor every tenth time, nor the
/// memory for reading or logging it.
#[track_caller]
fn repeated(exporter: &Exporter, fault: &str, mut once: impl FnMut()) {
    for _ in 0..WARM {
        once();
    }
    let early = (steady(exporter), resident(exporter));
    for _ in WARM..TIMES {
        once();
        assert_eq!(exporter.scrape("it").body, GOOD, "after {fault}");
    }
    let late = (steady(exporter), resident(exporter));
    println!("{fault}: {early:?} descriptors and bytes, then {late:?}");
    until(fault, || {
        exporter.descriptors() <= early.0 + 1 && resident(exporter) <= early.1 + KEPT
    });
}

fn resident(exporter: &Exporter) -> f64 {
    let resident = exporter.metric("process_resident_memory_bytes");
    resident.unwrap()
}

/// The number of descriptors once two counts agree, with no scrape in progress.
fn steady(exporter: &Exporter) -> usize {
    let mut last = 0;
    until("the number of descriptors is stable", || {
        let before = last;
        last = exporter.descriptors();
        last == before && exporter.actor("it")["in_flight"] == 0
    });
    last
}

/// The state of a socket's path.
enum SocketState {
    Daemon(Behaviour),
    /// The daemon died: its socket remains without a listener.
    DeadSocket,
    Nothing,
}

/// The path of a socket, and its daemon.
struct SocketPath {
    path: PathBuf,
    daemon: Option<ScriptedDaemon>,
}

impl SocketPath {
    fn put(&mut self, state: &SocketState) {
        match (state, &self.daemon) {
            (SocketState::Daemon(behaviour), Some(daemon)) => {
                daemon.set(behaviour.clone()).unwrap();
            }
            (SocketState::Daemon(behaviour), None) => {
                let daemon = ScriptedDaemon::start(&self.path, behaviour.clone());
                self.daemon = Some(daemon.unwrap());
            }
            (SocketState::DeadSocket, _) => {
                self.daemon = None;
                drop(UnixListener::bind(&self.path).unwrap());
            }
            (SocketState::Nothing, _) => self.daemon = None,
        }
    }
}

#[test]
fn twenty_faults_of_a_socket_leak_no_descriptor() {
    let half = Behaviour::HalfThenClose(b"it_counts 12345678\n".to_vec());
    // The last is scraped through a selector with a short timeout.
    let cases = [
        (502, "absent", "it", SocketState::Nothing),
        (502, "refused", "it", SocketState::DeadSocket),
        (502, "reset", "it", SocketState::Daemon(Behaviour::Reset)),
        (502, "truncated", "it", SocketState::Daemon(half)),
        (
            502,
            "truncated",
            "it",
            SocketState::Daemon(Behaviour::Garbage),
        ),
        (
            502,
            "too_large",
            "it",
            SocketState::Daemon(Behaviour::TooMuch(1 << 20)),
        ),
        (502, "empty", "it", SocketState::Daemon(Behaviour::Nothing)),
        (
            504,
            "timeout",
            "short_timeout",
            SocketState::Daemon(Behaviour::FullBacklog),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let exporter = Exporter::start(&format!(
        "[bridge.defaults]\nmax_bytes = \"64KiB\"\n[bridge.selectors]\n\
         it = {{ kind = \"uds\", path = {0} }}\n\
         short_timeout = {{ kind = \"uds\", path = {0}, timeout = \"50ms\" }}\n",
        quoted(&path)
    ));
    let mut socket = SocketPath { path, daemon: None };
    for (status, reason, selector, fault) in cases {
        repeated(&exporter, reason, || {
            socket.put(&fault);
            let reply = exporter.scrape(selector);
            reply.assert_error(status, selector, reason);
            socket.put(&SocketState::Daemon(Behaviour::Serve(GOOD.to_vec())));
        });
    }
}

/// A bus, and the service on it.
struct Served {
    bus: Bus,
    service: Option<ScriptedService>,
}

impl Served {
    /// Sets the reply of the next call; restarts the service if it has ended.
    fn reply(&mut self, reply: Reply) {
        if let Some(service) = &self.service {
            service.set(reply);
        } else {
            let service = ScriptedService::start(&self.bus.address(), reply);
            self.service = Some(service.unwrap());
        }
    }

    /// Kills the bus while a call waits for its reply, and restarts it.
    fn die_in_a_call(&mut self, exporter: &Exporter) {
        self.reply(Reply::Never);
        let calls = || self.service.as_ref().map_or(0, ScriptedService::calls);
        let before = calls();
        std::thread::scope(|scope| {
            let scrape = scope.spawn(|| exporter.scrape("it").assert_error(502, "it", "bus"));
            until("the call is in progress", || calls() > before);
            self.bus.kill().unwrap();
            scrape.join().unwrap();
        });
        self.bus.restart().unwrap();
        self.service = None;
    }
}

fn good() -> Reply {
    Reply::Bytes(GOOD.to_vec())
}

/// A bus, and an exporter whose `it` calls a method on it.
fn on_a_bus() -> (Exporter, Served) {
    let bus = BusOptions::new().kind(BusKind::System).start().unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"dbus\", bus = {:?}, destination = {NAME:?}, \
         method = \"{INTERFACE}.{METHOD}\", path = {PATH:?}, timeout = \"20s\" }}\n",
        bus.address()
    ));
    (exporter, Served { bus, service: None })
}

#[test]
fn twenty_large_replies_leak_no_memory() {
    let (exporter, mut served) = on_a_bus();
    let mut large = |replied: usize, status: u16| {
        repeated(&exporter, &format!("{replied} bytes"), || {
            served.reply(Reply::Large(replied));
            assert_eq!(exporter.scrape("it").status, status);
            served.reply(good());
        });
    };
    // Below `max_bytes`, and beyond it: the limit of the system bus is 32 MiB.
    large(8 << 20, 200);
    large(24 << 20, 502);
}

#[test]
fn twenty_faults_on_a_bus_leak_no_descriptor() {
    let (exporter, mut served) = on_a_bus();
    let replies = [
        (
            "refused",
            Reply::Error("a.daemon.Failed".into(), "no".into()),
        ),
        ("malformed", Reply::Number(42)),
        ("empty", Reply::Bytes(Vec::new())),
        ("truncated", Reply::Bytes(b"no metric".to_vec())),
    ];
    for (reason, reply) in replies {
        repeated(&exporter, reason, || {
            served.reply(reply.clone());
            exporter.scrape("it").assert_error(502, "it", reason);
            served.reply(good());
        });
    }
    repeated(&exporter, "absent", || {
        served.service = None;
        exporter.scrape("it").assert_error(502, "it", "absent");
        served.reply(good());
    });
    repeated(&exporter, "bus", || {
        served.die_in_a_call(&exporter);
        served.reply(good());
    });
}
