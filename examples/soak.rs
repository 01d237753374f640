//! A long run against sources that misbehave: what stands where it stood, and what does not.
//!
//! ```sh
//! cargo build --release && cargo run --release --example soak -- --minutes 30
//! ```
//!
//! Starts the program as a process of its own, sixteen sources of all kinds, and
//! clients that scrape them all the time, while faults are drawn by a printed
//! seed. After a warm-up and at the end, with all sources well and nothing under
//! way, resident memory, descriptors and threads are read from `/proc`; the run
//! fails if one of them has grown by more than a twentieth (and a little slack
//! for counts so small that a twentieth is none), if a well source was ever
//! answered wrongly, or if the process is gone.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a run that cannot go on has failed, and its answer is what it prints"
)]

use clap::Parser;
use fastrand::Rng;
use local_exporter_daemons::bus::{BusKind, BusOptions};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::prombus::{self, Answer, Prombus};
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(Debug, Parser)]
struct Arguments {
    /// How long to run after the warm-up, in minutes.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// The seed of the faults; drawn and printed where none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// The port to serve on.
    #[arg(long, default_value_t = 9599)]
    port: u16,
}

const BODY: &[u8] = b"# TYPE soak_total counter\nsoak_total{a=\"b\"} 1\n";
const SOCKETS: usize = 8;
const FILES: usize = 6;
const CLIENTS: usize = 4;
/// How long faults and scrapes go on before anything is measured.
const WARM_UP: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seed = arguments.seed.unwrap_or(now.as_secs());
    println!("seed {seed}");
    let mut scene = Scene::start(arguments.port);
    scene.run(seed, WARM_UP);
    let before = scene.measure();
    println!("after the warm-up: {before}");
    scene.run(
        seed.wrapping_add(1),
        Duration::from_secs_f64(arguments.minutes * 60.0),
    );
    let after = scene.measure();
    println!("at the end:        {after}");
    let (scrapes, answered, wrong) = scene.counts();
    println!("{scrapes} scrapes, {answered} of them answered with 200, {wrong} of those wrongly");
    let alive = scene.exporter.try_wait().ok().flatten().is_none();
    let level = after.is_level_with(&before);
    println!("alive: {alive}, level: {level}");
    if alive && level && wrong == 0 && answered > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What `/proc` says of the process.
#[derive(Debug)]
struct Measure {
    resident_kib: u64,
    descriptors: usize,
    threads: usize,
}

impl std::fmt::Display for Measure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            resident_kib,
            descriptors,
            threads,
        } = self;
        write!(
            out,
            "{resident_kib} KiB resident, {descriptors} descriptors, {threads} threads"
        )
    }
}

impl Measure {
    fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|text| text.split_whitespace().next()?.parse().ok());
        let count = |what: &str| {
            let entries = fs::read_dir(format!("/proc/{process}/{what}"));
            entries.map_or(0, Iterator::count)
        };
        Self {
            resident_kib: resident.unwrap_or(0),
            descriptors: count("fd"),
            threads: count("task"),
        }
    }

    fn is_level_with(&self, before: &Self) -> bool {
        let count = |after: usize, before: usize| after <= before + before / 20 + 3;
        self.resident_kib <= before.resident_kib + before.resident_kib / 20
            && count(self.descriptors, before.descriptors)
            && count(self.threads, before.threads)
    }
}

/// The process, its sources and what its clients saw.
struct Scene {
    exporter: Child,
    base: String,
    sockets: Vec<ScriptedDaemon>,
    files: Vec<PromFile>,
    prombus: Prombus,
    scrapes: AtomicU64,
    answered: AtomicU64,
    wrong: AtomicU64,
    _bus: local_exporter_daemons::bus::Bus,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn start(port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let bus = BusOptions::new()
            .kind(BusKind::System)
            .start()
            .expect("dbus-daemon");
        let prombus = Prombus::start(&bus.address(), || BODY.to_vec()).expect("prombus");
        let mut config = format!(
            "[service]\naddress = \"127.0.0.1\"\nport = {port}\n\
             [bridge.defaults]\ntimeout = \"500ms\"\nrefresh = \"1s\"\nmax_bytes = \"1MiB\"\n\
             [bridge.selectors]\n\
             bus = {{ kind = \"dbus\", bus = \"{}\", destination = \"{}\", method = \"{}.{}\", path = \"{}\" }}\n",
            bus.address(),
            prombus::NAME,
            prombus::INTERFACE,
            prombus::METHOD,
            prombus::PATH,
        );
        let mut sockets = Vec::new();
        for number in 0..SOCKETS {
            let path = folder.path().join(format!("sock{number}"));
            sockets.push(ScriptedDaemon::start(&path, well()).expect("a socket"));
            let _ = writeln!(config, "s{number} = {{ kind = \"uds\", path = {path:?} }}");
        }
        let mut files = Vec::new();
        for number in 0..FILES {
            let path = folder.path().join(format!("file{number}")).join("m.prom");
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            let _ = writeln!(
                config,
                "f{number} = {{ kind = \"file\", path = {path:?}, keep_last_good = \"0s\" }}"
            );
            files.push(PromFile::new(path));
        }
        let file = folder.path().join("config.toml");
        fs::write(&file, config).expect("a configuration");
        Self {
            exporter: serve(&file),
            base: format!("http://127.0.0.1:{port}/bridge?selector="),
            sockets,
            files,
            prombus,
            scrapes: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            wrong: AtomicU64::new(0),
            _bus: bus,
            _folder: folder,
        }
    }

    /// Scrapes and faults for a while; then all sources are well again.
    fn run(&self, seed: u64, how_long: Duration) {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let done = &done;
                scope.spawn(move || self.scrape_until(done, client));
            }
            let mut random = Rng::with_seed(seed);
            let end = Instant::now() + how_long;
            while Instant::now() < end {
                self.disturb(&mut random);
                std::thread::park_timeout(Duration::from_millis(20));
            }
            done.store(true, Ordering::Relaxed);
        });
        self.heal();
    }

    fn heal(&self) {
        for socket in &self.sockets {
            socket.set(well()).expect("a socket");
        }
        for file in &self.files {
            file.write(BODY).expect("a file");
        }
        self.prombus.set_answer(Answer::Metrics);
    }

    fn disturb(&self, random: &mut Rng) {
        match random.usize(..3) {
            0 => {
                let socket = self.sockets.get(random.usize(..SOCKETS)).expect("a socket");
                socket.set(behaviour(random)).expect("a socket");
            }
            1 => {
                let file = self.files.get(random.usize(..FILES)).expect("a file");
                change(file, random).expect("a file");
            }
            _ => self.prombus.set_answer(match random.usize(..5) {
                0 => Answer::Never,
                1 => Answer::Error("no".into()),
                2 => Answer::Bytes(b"nonsense".to_vec()),
                3 => Answer::Late(Duration::from_millis(300), BODY.to_vec()),
                _ => Answer::Metrics,
            }),
        }
    }

    fn scrape_until(&self, done: &AtomicBool, client: usize) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .into();
        let names: Vec<String> = std::iter::once("bus".to_owned())
            .chain((0..SOCKETS).map(|number| format!("s{number}")))
            .chain((0..FILES).map(|number| format!("f{number}")))
            .collect();
        for name in names.iter().cycle().skip(client * 4) {
            if done.load(Ordering::Relaxed) {
                return;
            }
            // Some hundreds of scrapes a second; a soak is long, not loud.
            std::thread::park_timeout(Duration::from_millis(5));
            self.scrapes.fetch_add(1, Ordering::Relaxed);
            let Ok(mut response) = agent.get(format!("{}{name}", self.base)).call() else {
                self.wrong.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let body = response.body_mut().read_to_vec().unwrap_or_default();
            if response.status() == 200 {
                self.answered.fetch_add(1, Ordering::Relaxed);
                // Whatever is served must be what a source meant to say, whole.
                let whole = body == BODY || body.iter().all(|byte| b"soak 1\n".contains(byte));
                self.wrong.fetch_add(u64::from(!whole), Ordering::Relaxed);
            }
        }
    }

    /// Waits until nothing is under way, then looks.
    fn measure(&self) -> Measure {
        // Idle connections and blocking threads are given up after 10 s and more.
        std::thread::park_timeout(Duration::from_secs(20));
        Measure::of(self.exporter.id())
    }

    fn counts(&self) -> (u64, u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.scrapes), read(&self.answered), read(&self.wrong))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.exporter.kill();
        let _ = self.exporter.wait();
    }
}

/// The program beside this one, built alike.
fn serve(config: &Path) -> Child {
    let own = std::env::current_exe().expect("a path of my own");
    let folder = own
        .parent()
        .and_then(Path::parent)
        .expect("a target folder");
    Command::new(folder.join("local-exporter"))
        .args(["serve", "--config"])
        .arg(config)
        .stderr(Stdio::null())
        .spawn()
        .expect("the program, which cargo build --release makes")
}

fn well() -> Behaviour {
    Behaviour::Serve(BODY.to_vec())
}

fn behaviour(random: &mut Rng) -> Behaviour {
    let half = || BODY.to_vec();
    match random.usize(..12) {
        0 => Behaviour::HangAfterAccept,
        1 => Behaviour::HangBeforeAccept,
        2 => Behaviour::StopHalfway(half()),
        3 => Behaviour::HalfThenClose(half()),
        4 => Behaviour::Reset,
        5 => Behaviour::TooMuch(4 << 20),
        6 => Behaviour::Garbage,
        7 => Behaviour::Nothing,
        8 => Behaviour::AnswerLate {
            delay: Duration::from_millis(200),
            bytes: BODY.to_vec(),
        },
        9 => Behaviour::NewInode(BODY.to_vec()),
        _ => well(),
    }
}

fn change(file: &PromFile, random: &mut Rng) -> std::io::Result<()> {
    let folder = file.path().parent().expect("a parent");
    match random.usize(..8) {
        0 => file.write_in_place(BODY),
        1 => file.write(b"nonsense"),
        2 => file.write(b""),
        3 => file.write(&vec![b'x'; 2 << 20]),
        4 => file.write(b"soak 1\n"),
        5 => {
            fs::remove_dir_all(folder)?;
            fs::create_dir_all(folder)?;
            file.write(BODY)
        }
        6 => {
            let _ = file.remove();
            Ok(())
        }
        _ => file.write(BODY),
    }
}
