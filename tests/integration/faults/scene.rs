//! The scene of every fault: the exporter, a selector `it` that will have the fault, healthy
//! neighbours of all kinds, and clients that scrape the neighbours all the time.
//!
//! Each test asserts that scrapes of `it` get the right status, reason and message in time, that no
//! neighbour is affected, that the next scrape after the fault succeeds, and that the fault leaves
//! no descriptor, thread or memory behind. It prints one row of figures, from which
//! `cargo run --example faults` makes a table. Limits on times are generous, so that a busy machine
//! stays within them; the median of the neighbours is compared with their median without the fault.

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

/// The body of `it` without a fault.
pub const GOOD: &[u8] = b"it 1\n";
/// The `timeout` of `it`, unless a test sets another.
pub const TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time of a response that waits for nothing, and of one after its deadline.
pub const SOON: Duration = Duration::from_millis(1500);
/// The shortest time of a fault, so that an effect on the neighbours would be visible.
const HELD: Duration = Duration::from_millis(200);
/// The number of clients that scrape `it` at the same time.
const AT_ONCE: usize = 4;

/// The exporter with its sources.
pub struct Scene {
    pub exporter: Exporter,
    neighbours: Neighbours,
    /// Before any fault: the times of the neighbours, and the resources of the process.
    baseline: Latencies,
    before: Level,
    /// Descriptors that the end of the fault adds permanently.
    extra_descriptors: usize,
    /// The longest time of a response of a neighbour.
    longest: Duration,
    folder: TempDir,
}

/// How soon the end of a fault is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// In the next response.
    InTheNextResponse,
    /// After the next scan.
    Soon,
}

impl Scene {
    /// Starts everything; `it` returns the configuration of the selector, given the folder for its
    /// files and sockets.
    pub fn start(it: impl FnOnce(&Path) -> String) -> Self {
        Self::start_as(program(), "1h", it)
    }

    /// [`Scene::start`] with a command to which the arguments of the program are added, and with a
    /// `refresh` for the neighbours' files.
    pub fn start_as(command: Command, refresh: &str, it: impl FnOnce(&Path) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let neighbours = Neighbours::start(&folder.path().join("neighbours"));
        let config = neighbours.selectors(refresh) + &it(folder.path());
        let exporter = Exporter::start_as(command, &config);
        neighbours.are_up(&exporter);
        let ((), baseline) = neighbours.watched(&exporter, || hold(HELD));
        Self {
            before: Level::of(&exporter),
            extra_descriptors: 0,
            longest: latencies::LONGEST,
            exporter,
            neighbours,
            baseline,
            folder,
        }
    }

    /// The end of the fault permanently adds this many descriptors.
    pub fn with_extra_descriptors(self, descriptors: usize) -> Self {
        Self {
            extra_descriptors: descriptors,
            ..self
        }
    }

    /// The fault keeps all processors busy: single responses of the neighbours may be late.
    pub fn using_all_processors(self) -> Self {
        Self {
            longest: latencies::BOUND,
            ..self
        }
    }

    /// The folder of the files and sockets of `it`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether a scrape of `it` succeeds with the expected body.
    pub fn is_good(&self) -> bool {
        let reply = self.exporter.scrape("it");
        reply.status == 200 && reply.body == GOOD
    }

    /// A fault of `it`: scrapes between `begin` and `end` get the expected response, and succeed before
    /// and after. `end` receives the value of `begin`.
    #[track_caller]
    pub fn fault<Begun, Ended>(
        &self,
        name: &str,
        expected: Expected,
        recovery: Recovery,
        begin: impl FnOnce() -> Begun,
        end: impl FnOnce(Begun) -> Ended,
    ) -> Ended {
        until("scrapes succeed before the fault", || self.is_good());
        self.meanwhile(name, || {
            let begun = begin();
            if recovery == Recovery::Soon {
                until("scrapes fail", || !self.is_good());
            }
            let took = self.scrape_at_fault(expected);
            let last_error = &self.exporter.actor("it")["last_error"];
            assert_eq!(last_error["reason"], expected.reason);
            self.until_source_is(0.0);
            until(expected.sentence, || self.logged(expected.sentence));
            let ended = end(begun);
            if recovery == Recovery::Soon {
                until("scrapes succeed again", || self.is_good());
            }
            let reply = self.exporter.scrape("it");
            assert_eq!(reply.body, GOOD, "after {name}: {}", reply.text());
            self.until_source_is(1.0);
            (Outcome::of(expected, took), ended)
        })
    }

    /// Runs `what`, asserts that the neighbours are not affected and that nothing is left behind, and
    /// prints the row of figures.
    #[track_caller]
    pub fn meanwhile<T>(&self, name: &str, what: impl FnOnce() -> (Outcome, T)) -> T {
        let ((outcome, value), seen) = self.neighbours.watched(&self.exporter, what);
        let after = self.settled();
        let Self {
            baseline, before, ..
        } = self;
        // A row of the table of `examples/faults.rs`.
        println!("| {name} | {outcome} | {baseline} | {seen} | {before} | {after} |");
        seen.assert_maximum(self.longest, name);
        self.assert_medians(&seen, name);
        let actor = self.exporter.actor("it");
        assert_eq!(actor["state"], "running");
        assert_eq!(actor["restarts"], 0, "{name}");
        value
    }

    /// Compares the times of the neighbours with those before the fault. If they are longer, measures
    /// again without the fault, since the machine may have become busy in the meantime.
    #[track_caller]
    fn assert_medians(&self, seen: &Latencies, name: &str) {
        let Err(longer) = seen.compare_medians(&self.baseline) else {
            return;
        };
        let ((), baseline) = self.neighbours.watched(&self.exporter, || hold(HELD));
        let still = seen.compare_medians(&baseline);
        assert!(
            still.is_ok(),
            "{name}: {longer}, and {still:?} of {baseline}"
        );
    }

    /// Scrapes several times at once, and repeats it until the fault has lasted for a while.
    fn scrape_at_fault(&self, expected: Expected) -> Duration {
        let end = Instant::now() + HELD;
        let scrape = || {
            let began = Instant::now();
            let reply = self.exporter.scrape("it");
            let took = began.elapsed();
            expected.assert(&reply, took);
            took
        };
        let mut longest = Duration::ZERO;
        loop {
            std::thread::scope(|scope| {
                let scrapes: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(scrape)).collect();
                for scrape in scrapes {
                    longest =
                        longest.max(scrape.join().unwrap_or_else(|panic| resume_unwind(panic)));
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

    /// Waits until the metrics, which several requests share for a moment, show the state of the source.
    #[track_caller]
    fn until_source_is(&self, up: f64) {
        until("the metrics show the state of the source", || {
            let shown = self
                .exporter
                .metric("local_exporter_source_up{selector=\"it\"}");
            shown == Some(up)
        });
    }

    /// Waits until the process has released all resources of a fault.
    fn settled(&self) -> Level {
        let mut after = Level::of(&self.exporter);
        until("no resource of the fault is left", || {
            after = Level::of(&self.exporter);
            self.exporter.actor("it")["in_flight"] == 0
                && after.is_level_with(&self.before, self.extra_descriptors)
        });
        after
    }
}

/// Sleeps while other threads work.
pub fn hold(long: Duration) {
    let end = Instant::now() + long;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}
