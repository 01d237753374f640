//! Runs the exporter, its sources and its clients.

use crate::bodies::{MAX_BYTES, USUAL};
use crate::clients::ClientKind;
use crate::exporter::Exporter;
use crate::measure::{Level, Measure, median};
use crate::sources::Sources;
use crate::tally::Tally;
use fastrand::Rng;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::park_timeout;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The time from one fault to the next.
const BETWEEN_FAULTS: Duration = Duration::from_millis(20);
/// The time from one sample of the process to the next.
const BETWEEN_SAMPLES: Duration = Duration::from_secs(2);
const A_MINUTE: Duration = Duration::from_secs(60);
/// How long recovered sources may take until their scrapes succeed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pauses of one measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    pub(crate) count: u64,
    /// How long scrapes and faults go on between two pauses.
    pub(crate) between: Duration,
}

/// Everything that runs. Dropping it ends the exporter first.
pub(crate) struct Scene {
    exporter: Exporter,
    sources: Sources,
    tally: Tally,
    _folder: TempDir,
}

impl Scene {
    pub(crate) fn start(program: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let sources = Sources::start(folder.path());
        let configuration = format!(
            "[service]\naddress = \"127.0.0.1\"\nport = 0\n\
             [bridge.defaults]\ntimeout = \"500ms\"\nrefresh = \"1s\"\nmax_bytes = {MAX_BYTES}\n{}",
            sources.tables()
        );
        let file = folder.path().join("config.toml");
        fs::write(&file, configuration).expect("a configuration");
        Self {
            exporter: Exporter::start(program, &file),
            sources,
            tally: Tally::default(),
            _folder: folder,
        }
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

    /// Runs scrapes and faults for a while and prints a line each minute; then all sources are
    /// healthy again.
    pub(crate) fn run(&mut self, seed: u64, how_long: Duration) {
        let done = AtomicBool::new(false);
        let mut random = Rng::with_seed(seed);
        let Self {
            exporter,
            sources,
            tally,
            ..
        } = self;
        let selectors = sources.selectors().to_vec();
        let (exporter, tally, selectors) = (&*exporter, &*tally, &selectors);
        std::thread::scope(|scope| {
            for manner in ClientKind::ALL {
                let (done, random) = (&done, random.fork());
                scope.spawn(move || {
                    let address = exporter.address();
                    manner.scrape_until(done, address, selectors, random, tally);
                });
            }
            scope.spawn(|| watch_until(&done, exporter));
            // Also if a fault cannot be injected, because the disk is full: the scope waits for its threads.
            let _end = StopOnDrop(&done);
            let end = Instant::now() + how_long;
            while Instant::now() < end {
                sources.disturb(&mut random);
                park_timeout(BETWEEN_FAULTS);
            }
        });
        self.sources.heal();
    }

    /// The resources with healthy sources and without scrapes: the median of several pauses, with
    /// scrapes and faults between them.
    pub(crate) fn level(&mut self, seed: u64, pauses: Pauses) -> Level {
        let pause = |number| {
            if number > 0 {
                self.run(seed.wrapping_sub(number), pauses.between);
            }
            let level = self.pause();
            println!("pause {}: {level}", number + 1);
            level
        };
        let levels: Vec<_> = (0..pauses.count).map(pause).collect();
        Level::median(&levels)
    }

    /// The resources in one pause.
    fn pause(&self) -> Level {
        let end = Instant::now() + PATIENCE;
        while !self.is_well() {
            assert!(Instant::now() < end, "not well within {PATIENCE:?}");
            park_timeout(BETWEEN_FAULTS);
        }
        Level::of(&self.exporter)
    }

    fn is_well(&self) -> bool {
        let is_well = |selector: &String| {
            let response = self.exporter.get(&format!("/bridge?selector={selector}"));
            response.is_some_and(|body| body == USUAL)
        };
        self.sources.selectors().iter().all(is_well)
            && self.sources.are_quiet()
            && self.exporter.in_flight() == 0
    }
}

/// Tells the clients to end.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Samples the process every few seconds and prints a line every minute.
fn watch_until(done: &AtomicBool, exporter: &Exporter) {
    let begin = Instant::now();
    for minute in 1.. {
        let mut resident = Vec::new();
        let mut last = None;
        while begin.elapsed() < A_MINUTE * minute {
            if done.load(Ordering::Relaxed) {
                return;
            }
            park_timeout(BETWEEN_SAMPLES);
            let sample = Measure::of(exporter.process());
            resident.push(sample.resident_kib);
            last = Some(sample);
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
