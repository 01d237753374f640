//! The exporter, its sources and its clients, and what all of them do.

use crate::bodies::{MAX_BYTES, USUAL};
use crate::clients::Manner;
use crate::exporter::Exporter;
use crate::faults;
use crate::measure::{Level, Measure, median};
use crate::tally::Tally;
use fastrand::Rng;
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::prombus::{self, Answer, Prombus};
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::park_timeout;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SOCKETS: usize = 8;
const FILES: usize = 6;
/// The time from one fault to the next.
const BETWEEN_FAULTS: Duration = Duration::from_millis(20);
/// The time from one look at the process to the next.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
const A_MINUTE: Duration = Duration::from_secs(60);
/// How long sources that are well again may take to be answered for.
const PATIENCE: Duration = Duration::from_secs(30);

/// All of it; ended by dropping it, the exporter first.
pub(crate) struct Scene {
    exporter: Exporter,
    selectors: Vec<String>,
    sockets: Vec<ScriptedDaemon>,
    files: Vec<PromFile>,
    prombus: Prombus,
    tally: Tally,
    _bus: Bus,
    _folder: TempDir,
}

impl Scene {
    pub(crate) fn start(program: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let bus = BusOptions::new().kind(BusKind::System).start();
        let bus = bus.expect("dbus-daemon");
        let prombus = Prombus::start(&bus.address(), || USUAL.to_vec()).expect("prombus");
        let mut selectors = vec!["bus".to_owned()];
        let mut configuration = format!(
            "[service]\naddress = \"127.0.0.1\"\nport = 0\n\
             [bridge.defaults]\ntimeout = \"500ms\"\nrefresh = \"1s\"\nmax_bytes = {MAX_BYTES}\n\
             [bridge.selectors]\n\
             bus = {{ kind = \"dbus\", bus = \"{}\", destination = \"{}\", method = \"{}.{}\", path = \"{}\" }}\n",
            bus.address(),
            prombus::NAME,
            prombus::INTERFACE,
            prombus::METHOD,
            prombus::PATH,
        );
        let mut select = |name: String, source: String| {
            let _ = writeln!(configuration, "{name} = {{ {source} }}");
            selectors.push(name);
        };
        let mut sockets = Vec::new();
        for number in 0..SOCKETS {
            let path = folder.path().join(format!("socket{number}"));
            select(
                format!("s{number}"),
                format!("kind = \"uds\", path = {path:?}"),
            );
            sockets.push(ScriptedDaemon::start(path, well()).expect("a socket"));
        }
        let mut files = Vec::new();
        for number in 0..FILES {
            let path = folder.path().join(format!("file{number}")).join("m.prom");
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            let source = format!("kind = \"file\", path = {path:?}, keep_last_good = \"0s\"");
            select(format!("f{number}"), source);
            files.push(PromFile::new(path));
        }
        let file = folder.path().join("config.toml");
        fs::write(&file, configuration).expect("a configuration");
        let scene = Self {
            exporter: Exporter::start(program, &file),
            selectors,
            sockets,
            files,
            prombus,
            tally: Tally::default(),
            _bus: bus,
            _folder: folder,
        };
        scene.heal();
        scene
    }

    pub(crate) fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.exporter.is_alive()
    }

    /// Scrapes and faults for a while, with a line each minute; then all sources are well again.
    pub(crate) fn run(&self, seed: u64, how_long: Duration) {
        let done = AtomicBool::new(false);
        let mut random = Rng::with_seed(seed);
        std::thread::scope(|scope| {
            for manner in Manner::ALL {
                let (done, random) = (&done, random.fork());
                scope.spawn(move || {
                    let address = self.exporter.address();
                    manner.scrape_until(done, address, &self.selectors, random, &self.tally);
                });
            }
            scope.spawn(|| self.watch_until(&done));
            let end = Instant::now() + how_long;
            while Instant::now() < end {
                self.disturb(&mut random);
                park_timeout(BETWEEN_FAULTS);
            }
            done.store(true, Ordering::Relaxed);
        });
        self.heal();
    }

    /// What the process holds with all well and nobody scraping.
    pub(crate) fn level(&self) -> Level {
        let end = Instant::now() + PATIENCE;
        while !self.is_well() {
            assert!(Instant::now() < end, "not well within {PATIENCE:?}");
            park_timeout(BETWEEN_FAULTS);
        }
        Level::of(&self.exporter)
    }

    fn is_well(&self) -> bool {
        let is_well = |selector: &String| {
            let answer = self.exporter.get(&format!("/bridge?selector={selector}"));
            answer.is_some_and(|body| body == USUAL)
        };
        let quiet = self.sockets.iter().all(|socket| socket.open() == 0);
        self.selectors.iter().all(is_well) && quiet && self.exporter.in_flight() == 0
    }

    fn heal(&self) {
        for socket in &self.sockets {
            socket.set(well()).expect("a socket");
        }
        for file in &self.files {
            file.write(USUAL).expect("a file");
        }
        self.prombus.set_answer(Answer::Metrics);
    }

    fn disturb(&self, random: &mut Rng) {
        match random.usize(..3) {
            0 => {
                let socket = random.choice(&self.sockets).expect("a socket");
                socket.set(faults::behaviour(random)).expect("a socket");
            }
            1 => {
                let file = random.choice(&self.files).expect("a file");
                faults::change(file, random).expect("a file");
            }
            _ => self.prombus.set_answer(faults::answer(random)),
        }
    }

    /// Looks at the process every few seconds, and tells of it every minute.
    fn watch_until(&self, done: &AtomicBool) {
        let begin = Instant::now();
        for minute in 1.. {
            let mut resident = Vec::new();
            let mut last = None;
            while begin.elapsed() < A_MINUTE * minute {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                park_timeout(BETWEEN_LOOKS);
                let look = Measure::of(self.exporter.process());
                resident.push(look.resident_kib);
                last = Some(look);
            }
            let (least, most) = (resident.iter().min(), resident.iter().max());
            if let (Some(least), Some(most), Some(last)) = (least, most, last) {
                println!(
                    "minute {minute:3}: {least} to {most} KiB resident, median {}; {} descriptors, \
                     {} threads",
                    median(resident.clone()),
                    last.descriptors,
                    last.threads
                );
            }
        }
    }
}

fn well() -> Behaviour {
    Behaviour::Serve(USUAL.to_vec())
}
