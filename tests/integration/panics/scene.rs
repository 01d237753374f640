//! Twenty selectors of all kinds with real daemons behind them, and an exporter that
//! can be ordered to fail.

use crate::support::{Exporter, PATIENCE, program, quoted, request, until};
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_daemons::promsock::PromSock;
use std::collections::BTreeMap;
use std::time::Instant;
use tempfile::TempDir;

pub const SELECTORS: usize = 20;

/// What stands behind the selector of a number.
#[derive(Clone, Copy, Debug)]
pub enum Behind {
    Socket,
    /// It gives more than is judged in place.
    LargeSocket,
    Bus,
    File,
}

impl Behind {
    pub fn of(number: usize) -> Self {
        match number {
            12 => Self::LargeSocket,
            _ if number.is_multiple_of(4) => Self::Socket,
            _ if number % 4 == 2 => Self::Bus,
            _ => Self::File,
        }
    }

    /// The places that its actor passes.
    pub fn places(self) -> &'static [&'static str] {
        match self {
            Self::Socket | Self::Bus => &["handler", "pull", "started", "restarting"],
            Self::LargeSocket => &["validate", "handler", "pull", "started", "restarting"],
            Self::File => &["handler", "background", "started", "restarting", "read"],
        }
    }

    /// Those of them at which it can stop.
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

/// The rests of the actors.
#[derive(Clone, Copy)]
pub enum Backoff {
    /// As long as anybody's.
    Default,
    /// Cut short, since a thousand of half a minute would be a long test.
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
    /// Twenty selectors, all of which answer.
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
        scene.all_answer();
        scene
    }

    pub fn all_answer(&self) {
        for number in 0..SELECTORS {
            let name = name(number);
            until(&name, || self.exporter.scrape(&name).status == 200);
        }
    }

    /// Orders a failure such as `panic handler`, or `release`.
    pub fn order(&self, selector: &str, words: &str) {
        let words = words.replace(' ', "+");
        let path = format!("/debug/faults?selector={selector}&order={words}");
        let reply = request("POST", &self.exporter.url(&path), &[]);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    pub fn restarts(&self, selector: &str) -> u64 {
        self.exporter.actor(selector)["restarts"].as_u64().unwrap()
    }

    /// Has an actor fail once at a place, and waits until it answers again.
    pub fn fail_and_recover(&self, selector: &str, fault: &str, place: &str, panics: &mut Panics) {
        let before = self.restarts(selector);
        let wanted = panics.order(self, selector, fault, place);
        let end = Instant::now() + PATIENCE;
        loop {
            // Counted before the scrape: one that is answered may still be followed by the failure.
            let restarts = self.restarts(selector) - before;
            let reply = self.exporter.scrape(selector);
            if reply.status == 200 && restarts >= wanted {
                assert_eq!(restarts, wanted, "{selector}: {fault} {place}");
                return;
            }
            let text = reply.text();
            let expected = text.contains(": crashed: ") || text.contains(": backoff: ");
            assert!(reply.status == 200 || expected, "{text}");
            assert!(Instant::now() < end, "{selector}: {fault} {place}: {text}");
        }
    }
}

/// How many panics were ordered of each selector.
#[derive(Default)]
pub struct Panics(pub BTreeMap<String, usize>);

impl Panics {
    /// Orders a failure, and whatever leads an actor to its place; returns how many
    /// restarts that takes.
    pub fn order(&mut self, scene: &Scene, selector: &str, fault: &str, place: &str) -> u64 {
        scene.order(selector, &format!("{fault} {place}"));
        let panics = self.0.entry(selector.to_owned()).or_default();
        *panics += usize::from(fault == "panic");
        // These are passed after another failure. Files are looked at when the actor starts.
        if ["started", "restarting", "read"].contains(&place) {
            scene.order(selector, "panic handler");
            *panics += 1;
            return 2;
        }
        1
    }
}
