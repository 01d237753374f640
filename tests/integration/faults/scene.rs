//! The stage of every fault: the exporter, a selector `it` that is about to have it, healthy
//! neighbours of all kinds, and clients that scrape these the whole time.
//!
//! A fault shows that `it` is answered with the right status, reason and sentence when it should be,
//! that no neighbour noticed, that the next answer after the fault is good, and that nothing of it
//! stays in the process. Each prints one row of figures, of which `cargo run --example faults` makes
//! a table. Times are held against bounds far from what a busy machine does, and the neighbours'
//! median against theirs without the fault.

mod expected;
mod figures;
mod latencies;
mod neighbours;

pub use expected::{Expected, When};
pub use figures::Outcome;

use crate::support::{Exporter, open_to_all, program, until};
use figures::Level;
use latencies::Latencies;
use neighbours::Neighbours;
use serde_json::Value;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a well `it` answers.
pub const GOOD: &[u8] = b"it 1\n";
/// The `timeout` of `it`, where a test does not say otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(2);
/// An answer that waits for nothing is there by then, and one that waits for its deadline that long
/// after it.
pub const SOON: Duration = Duration::from_millis(1500);
/// How long a fault stays at least, for the neighbours to notice if they could.
const HELD: Duration = Duration::from_millis(200);
/// Clients that scrape `it` at once.
const AT_ONCE: usize = 4;

/// The exporter among its sources.
pub struct Scene {
    pub exporter: Exporter,
    neighbours: Neighbours,
    /// Before any fault: how the neighbours answered, and what the process held.
    calm: Latencies,
    before: Level,
    /// Descriptors that the end of the fault brings, and that stay.
    brings: usize,
    /// What no answer of the neighbours may take.
    longest: Duration,
    folder: TempDir,
}

/// How soon the end of a fault shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// In the very next answer.
    InTheNextAnswer,
    /// As soon as somebody has looked again.
    Soon,
}

impl Scene {
    /// Starts all of it; `it` gives the tables of the configuration that are about `it`, told the
    /// folder for its files and sockets.
    pub fn start(it: impl FnOnce(&Path) -> String) -> Self {
        Self::start_as(program(), "1h", it)
    }

    /// [`Scene::start`] by a command that lacks only the arguments of the program, with neighbours
    /// whose files are looked at every `refresh` where there are no events.
    pub fn start_as(command: Command, refresh: &str, it: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let neighbours = Neighbours::start(&folder.path().join("neighbours"));
        let config = neighbours.selectors(refresh) + &it(folder.path());
        let exporter = Exporter::start_as(command, &config);
        neighbours.are_up(&exporter);
        let ((), calm) = neighbours.watched(&exporter, || hold(HELD));
        Self {
            before: Level::of(&exporter),
            brings: 0,
            longest: latencies::LONGEST,
            exporter,
            neighbours,
            calm,
            folder,
        }
    }

    /// With the end of the fault comes what could not be had before, and takes so many descriptors.
    pub fn bringing(self, descriptors: usize) -> Self {
        Self {
            brings: descriptors,
            ..self
        }
    }

    /// The fault keeps all processors busy: of the neighbours' answers single ones may be late.
    pub fn burdening(self) -> Self {
        Self {
            longest: latencies::BOUND,
            ..self
        }
    }

    /// Where the files and sockets of `it` are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether `it` is answered as it should be.
    pub fn is_good(&self) -> bool {
        let reply = self.exporter.scrape("it");
        reply.status == 200 && reply.body == GOOD
    }

    /// A fault of `it` with an answer of its own: that is what scrapes get between `begin` and
    /// `end`, which is handed what was begun; before and after they get a good one.
    #[track_caller]
    pub fn fault<Begun, Ended>(
        &self,
        name: &str,
        expected: Expected,
        recovery: Recovery,
        begin: impl FnOnce() -> Begun,
        end: impl FnOnce(Begun) -> Ended,
    ) -> Ended {
        until("it is well before", || self.is_good());
        self.meanwhile(name, || {
            let begun = begin();
            if recovery == Recovery::Soon {
                until("the fault shows", || !self.is_good());
            }
            let took = self.scrape_at_fault(expected);
            let last_error = &self.exporter.actor("it")["last_error"];
            assert_eq!(last_error["reason"], expected.reason);
            assert_eq!(self.source_up(), Some(0.0));
            until(expected.sentence, || self.logged(expected.sentence));
            let ended = end(begun);
            if recovery == Recovery::Soon {
                until("it is well again", || self.is_good());
            }
            let reply = self.exporter.scrape("it");
            assert_eq!(reply.body, GOOD, "after {name}: {}", reply.text());
            assert_eq!(self.source_up(), Some(1.0));
            (Outcome::of(expected, took), ended)
        })
    }

    /// What the neighbours saw while `what` happened, what is left of it, and its line of figures.
    #[track_caller]
    pub fn meanwhile<T>(&self, name: &str, what: impl FnOnce() -> (Outcome, T)) -> T {
        let ((outcome, value), seen) = self.neighbours.watched(&self.exporter, what);
        let after = self.settled();
        let Self { calm, before, .. } = self;
        // A row of the table that `examples/faults.rs` makes.
        println!("| {name} | {outcome} | {calm} | {seen} | {before} | {after} |");
        seen.assert_none_beyond(self.longest, name);
        self.assert_usual(&seen, name);
        let actor = self.exporter.actor("it");
        assert_eq!(actor["state"], "running");
        assert_eq!(actor["restarts"], 0, "{name}");
        value
    }

    /// Holds what the neighbours saw against what they saw before. A machine that has become busy
    /// since is still so without the fault, so they are asked again.
    #[track_caller]
    fn assert_usual(&self, seen: &Latencies, name: &str) {
        let Err(longer) = seen.usual_as(&self.calm) else {
            return;
        };
        let ((), calm) = self.neighbours.watched(&self.exporter, || hold(HELD));
        let still = seen.usual_as(&calm);
        assert!(still.is_ok(), "{name}: {longer}, and {still:?} of {calm}");
    }

    /// Asks several times at once, and again until the fault was there for a while.
    fn scrape_at_fault(&self, expected: Expected) -> Duration {
        let end = Instant::now() + HELD;
        let ask = || {
            let began = Instant::now();
            let reply = self.exporter.scrape("it");
            let took = began.elapsed();
            expected.assert(&reply, took);
            took
        };
        let mut longest = Duration::ZERO;
        loop {
            std::thread::scope(|scope| {
                let asked: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(ask)).collect();
                for answer in asked {
                    longest =
                        longest.max(answer.join().unwrap_or_else(|panic| resume_unwind(panic)));
                }
            });
            if Instant::now() >= end {
                return longest;
            }
        }
    }

    fn logged(&self, sentence: &str) -> bool {
        let about = |line: &String| {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            let cause = event["error"].as_str().unwrap_or_default();
            event["msg"] == "source failed" && cause.contains(sentence)
        };
        self.exporter.log().iter().any(about)
    }

    fn source_up(&self) -> Option<f64> {
        self.exporter
            .metric("local_exporter_source_up{selector=\"it\"}")
    }

    /// Waits until nothing of a fault is left in the process.
    fn settled(&self) -> Level {
        let mut after = Level::of(&self.exporter);
        until("nothing is left behind", || {
            after = Level::of(&self.exporter);
            self.exporter.actor("it")["in_flight"] == 0
                && after.is_level_with(&self.before, self.brings)
        });
        after
    }
}

/// Lets time pass while others work.
pub fn hold(long: Duration) {
    let end = Instant::now() + long;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}
