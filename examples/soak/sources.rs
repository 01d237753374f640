//! The sources, with one random fault or recovery at a time.

use crate::bodies::{LARGEST, USUAL};
use crate::crowd::Crowd;
use crate::faults;
use fastrand::Rng;
use local_exporter_daemons::bus::{Bus, BusKind, BusOptions};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::prombus::{self, Prombus, Reply};
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const SOCKETS: usize = 8;
const FILES: usize = 6;
/// The number of sockets that hang at the same time.
const TOGETHER: usize = 4;

/// All sources, and their tables of the configuration.
pub(crate) struct Sources {
    sockets: Vec<ScriptedDaemon>,
    files: Vec<PromFile>,
    directory: Directory,
    crowd: Crowd,
    bus: OnABus,
    selectors: Vec<String>,
    tables: String,
}

impl Sources {
    pub(crate) fn start(folder: &Path) -> Self {
        let make = |name: String| {
            let path = folder.join(name);
            fs::create_dir_all(&path).expect("a folder");
            path
        };
        let bus = OnABus::start();
        let directory = Directory::of(make("directory".to_owned()));
        let crowd = Crowd::of(make("crowd".to_owned()));
        let (mut selectors, mut tables) = (Vec::new(), "[bridge.selectors]\n".to_owned());
        let mut select = |name: String, source: String| {
            let _ = writeln!(tables, "{name} = {source}");
            selectors.push(name);
        };
        select("bus".to_owned(), bus.table());
        select("directory".to_owned(), format!("{:?}", directory.path));
        select("crowd".to_owned(), format!("{:?}", crowd.path()));
        let mut sockets = Vec::new();
        for number in 0..SOCKETS {
            let path = folder.join(format!("socket{number}"));
            let table = format!("{{ kind = \"uds\", path = {path:?} }}");
            select(format!("s{number}"), table);
            sockets.push(ScriptedDaemon::start(path, well()).expect("a socket"));
        }
        let mut files = Vec::new();
        for number in 0..FILES {
            let path = make(format!("file{number}")).join("m.prom");
            let table = format!("{{ kind = \"file\", path = {path:?}, keep_last_good = \"0s\" }}");
            select(format!("f{number}"), table);
            files.push(PromFile::new(path));
        }
        let mut sources = Self {
            sockets,
            files,
            directory,
            crowd,
            bus,
            selectors,
            tables,
        };
        sources.heal();
        sources
    }

    pub(crate) fn selectors(&self) -> &[String] {
        &self.selectors
    }

    /// Their part of the configuration.
    pub(crate) fn tables(&self) -> &str {
        &self.tables
    }

    /// Whether all sources are left unchanged.
    pub(crate) fn are_quiet(&self) -> bool {
        let sockets = self.sockets.iter().chain(&self.directory.socket);
        sockets.into_iter().all(|socket| socket.open() == 0)
    }

    pub(crate) fn heal(&mut self) {
        for socket in &self.sockets {
            socket.set(well()).expect("a socket");
        }
        for file in &self.files {
            file.write(USUAL).expect("a file");
        }
        self.directory.behave(well());
        self.crowd.heal().expect("files");
        self.bus.reply(Reply::Metrics);
    }

    pub(crate) fn disturb(&mut self, random: &mut Rng) {
        match random.usize(..6) {
            0 => {
                let socket = random.choice(&self.sockets).expect("a socket");
                socket.set(faults::behaviour(random)).expect("a socket");
            }
            1 => {
                let file = random.choice(&self.files).expect("a file");
                faults::change(file, random).expect("a file");
            }
            2 => self.directory.disturb(random),
            3 => self.crowd.disturb(random).expect("files"),
            4 => self.hang_together(),
            _ => self.bus.disturb(random),
        }
    }

    /// Several daemons hang at the same time.
    fn hang_together(&self) {
        for socket in self.sockets.iter().take(TOGETHER) {
            socket.set(Behaviour::HangAfterAccept).expect("a socket");
        }
    }
}

fn well() -> Behaviour {
    Behaviour::Serve(USUAL.to_vec())
}

/// A directory with a socket in it, or with a file.
struct Directory {
    path: PathBuf,
    socket: Option<ScriptedDaemon>,
}

impl Directory {
    fn of(path: PathBuf) -> Self {
        Self { path, socket: None }
    }

    /// Puts a socket in place, whatever was there.
    fn behave(&mut self, behaviour: Behaviour) {
        if let Some(socket) = &self.socket {
            socket.set(behaviour).expect("a socket");
        } else {
            let path = self.path.join("metrics.promsock");
            self.socket = Some(ScriptedDaemon::start(path, behaviour).expect("a socket"));
        }
    }

    fn disturb(&mut self, random: &mut Rng) {
        let behaviour = faults::behaviour(random);
        if random.bool() && !is_long(&behaviour) {
            self.behave(behaviour);
        } else {
            self.socket = None;
            let file = PromFile::new(self.path.join("m.prom"));
            faults::change(&file, random).expect("a file");
        }
    }
}

/// Whether a body takes a while to arrive. If its daemon ends between two lines, the body cannot be
/// distinguished from a complete one, since the end of the connection ends it.
fn is_long(behaviour: &Behaviour) -> bool {
    match behaviour {
        Behaviour::TooMuch(_) => true,
        Behaviour::Serve(bytes) => *bytes == *LARGEST,
        _ => false,
    }
}

/// A service and its bus.
struct OnABus {
    bus: Bus,
    /// `None` while the bus is down: the service does not reconnect.
    service: Option<Prombus>,
}

impl OnABus {
    fn start() -> Self {
        let bus = BusOptions::new().kind(BusKind::System).start();
        Self {
            bus: bus.expect("dbus-daemon"),
            service: None,
        }
    }

    fn table(&self) -> String {
        format!(
            "{{ kind = \"dbus\", bus = \"{}\", destination = \"{}\", method = \"{}.{}\", path = \"{}\" }}",
            self.bus.address(),
            prombus::NAME,
            prombus::INTERFACE,
            prombus::METHOD,
            prombus::PATH,
        )
    }

    /// Makes the service available with this reply.
    fn reply(&mut self, reply: Reply) {
        if self.bus.process_id().is_none() {
            self.bus.restart().expect("dbus-daemon");
        }
        let started = || Prombus::start(&self.bus.address(), || USUAL.to_vec()).expect("prombus");
        self.service.get_or_insert_with(started).set_reply(reply);
    }

    /// A bus that was killed stays down until it is drawn again.
    fn disturb(&mut self, random: &mut Rng) {
        if random.usize(..10) == 0 {
            self.bus.kill().expect("dbus-daemon");
            self.service = None;
        } else {
            self.reply(faults::reply(random));
        }
    }
}
