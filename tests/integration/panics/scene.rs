//! Twenty selectors of all kinds with real daemons, and an exporter in which faults can be
//! injected.

use crate::support::{Exporter, PATIENCE, program, quoted, request, until};
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_daemons::promsock::PromSock;
use std::collections::BTreeMap;
use std::time::Instant;
use tempfile::TempDir;

pub const SELECTORS: usize = 20;

/// The source of a selector.
#[derive(Clone, Copy, Debug)]
pub enum Behind {
    Socket,
    /// Its body is validated on the blocking pool.
    LargeSocket,
    Bus,
    File,
}

impl Behind {
    /// The source of the selector with this number.
    pub fn of(number: usize) -> Self {
        match number {
            12 => Self::LargeSocket,
            _ if number.is_multiple_of(4) => Self::Socket,
            _ if number % 4 == 2 => Self::Bus,
            _ => Self::File,
        }
    }

    /// The fault points that its actor reaches.
    pub fn points(self) -> &'static [&'static str] {
        match self {
            Self::Socket | Self::Bus => &["handler", "pull", "started", "restarting"],
            Self::LargeSocket => &["validate", "handler", "pull", "started", "restarting"],
            Self::File => &["handler", "background", "started", "restarting", "read"],
        }
    }

    /// The fault points at which it can stop.
    pub fn stops(self) -> &'static [&'static str] {
        match self {
            Self::Socket | Self::LargeSocket | Self::Bus => &["handler", "started", "restarting"],
            Self::File => &["handler", "background", "started", "restarting"],
        }
    }
}

pub fn name(number: usize) -> String {
    format!("s{number}")
}

/// The back-off of the actors.
#[derive(Clone, Copy)]
pub enum Backoff {
    /// As in production.
    Default,
    /// Shortened: a thousand back-offs of up to 30 s would take too long.
    Short,
}

pub struct Scene {
    pub exporter: Exporter,
    _folder: TempDir,
    _daemons: [PromSock; 2],
    _prombus: Prombus,
    _bus: Bus,
}

impl Scene {
    /// Starts the exporter and waits until all selectors can be scraped.
    pub fn new(backoff: Backoff) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        let (socket, large, file) = (path("sock"), path("large"), path("m.prom"));
        let daemons = [
            PromSock::bind(&socket, || b"a 1\n".to_vec()).unwrap(),
            PromSock::bind(&large, || b"a 1\n".repeat(70_000)).unwrap(),
        ];
        std::fs::write(&file, "a 1\n").unwrap();
        let bus = BusOptions::new().kind(BusKind::System).start().unwrap();
        let prombus = Prombus::start(&bus.address(), || b"a 1\n".to_vec()).unwrap();
        let mut config = format!(
            "[bridge]\ndbus_system_bus_address = \"{}\"\n[bridge.selectors]\n",
            bus.address()
        );
        for number in 0..SELECTORS {
            let source = match Behind::of(number) {
                Behind::Socket => format!("kind = \"uds\", path = {}", quoted(&socket)),
                Behind::LargeSocket => format!("kind = \"uds\", path = {}", quoted(&large)),
                Behind::File => format!("kind = \"file\", path = {}", quoted(&file)),
                Behind::Bus => format!(
                    "kind = \"dbus\", destination = \"{}\", method = \"{}.{}\", path = \"{}\"",
                    prombus::NAME,
                    prombus::INTERFACE,
                    prombus::METHOD,
                    prombus::PATH
                ),
            };
            config += &format!("{} = {{ {source} }}\n", name(number));
        }
        let mut command = program();
        if let Backoff::Short = backoff {
            command.env("LOCAL_EXPORTER_FAULTS_MAX_BACKOFF_MS", "5");
        }
        let scene = Self {
            exporter: Exporter::start_as(command, &config),
            _folder: folder,
            _daemons: daemons,
            _prombus: prombus,
            _bus: bus,
        };
        scene.all_succeed();
        scene
    }

    /// Waits until every selector can be scraped.
    pub fn all_succeed(&self) {
        for number in 0..SELECTORS {
            let name = name(number);
            until(&name, || self.exporter.scrape(&name).status == 200);
        }
    }

    /// Executes a fault command such as `panic handler` or `release`.
    pub fn inject(&self, selector: &str, command: &str) {
        let command = command.replace(' ', "+");
        let path = format!("/debug/faults?selector={selector}&order={command}");
        let reply = request("POST", &self.exporter.url(&path), &[]);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    pub fn restarts(&self, selector: &str) -> u64 {
        self.exporter.actor(selector)["restarts"].as_u64().unwrap()
    }

    /// Lets an actor fail once, and waits until it has recovered.
    pub fn fail_and_recover(&self, selector: &str, fault: &str, point: &str, panics: &mut Panics) {
        let before = self.restarts(selector);
        let wanted = panics.inject(self, selector, fault, point);
        let end = Instant::now() + PATIENCE;
        loop {
            // Counted before the scrape: the fault may still follow a successful scrape.
            let restarts = self.restarts(selector) - before;
            let reply = self.exporter.scrape(selector);
            if reply.status == 200 && restarts >= wanted {
                assert_eq!(restarts, wanted, "{selector}: {fault} {point}");
                return;
            }
            let text = reply.text();
            let expected = text.contains(": crashed: ") || text.contains(": backoff: ");
            assert!(reply.status == 200 || expected, "{text}");
            assert!(Instant::now() < end, "{selector}: {fault} {point}: {text}");
        }
    }
}

/// Number of panics injected into each selector.
#[derive(Default)]
pub struct Panics(pub BTreeMap<String, usize>);

impl Panics {
    /// Injects a fault, and a panic if the actor reaches the fault point only after a restart.
    /// Returns the number of restarts this causes.
    pub fn inject(&mut self, scene: &Scene, selector: &str, fault: &str, point: &str) -> u64 {
        scene.inject(selector, &format!("{fault} {point}"));
        let panics = self.0.entry(selector.to_owned()).or_default();
        *panics += usize::from(fault == "panic");
        // Reached after another failure: files are read when the actor starts.
        if ["started", "restarting", "read"].contains(&point) {
            scene.inject(selector, "panic handler");
            *panics += 1;
            return 2;
        }
        1
    }
}
