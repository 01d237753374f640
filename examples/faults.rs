//! Runs every test of a fault and prints the table of `docs/src/faults.md`: `cargo run --example faults`.
//!
//! Runs the tests of sources and hosts that fail, misbehaving clients, leaks, reloads and confinement one after
//! the other, including those that are ignored because they take long. The table consists of the rows that the
//! tests in `tests/integration/faults/` print. The other suites are only counted. This program asserts nothing:
//! a fault is handled if its test passes.

#![allow(
    clippy::print_stdout,
    reason = "the table on standard output is the result"
)]

use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

const HEAD: &str = "\
| fault | status | reason | after | neighbours before: median / longest / change served after | during | descriptors, threads, memory before | after |
| --- | ---: | --- | ---: | --- | --- | --- | --- |";
/// The suites, as filters of test names.
const SUITES: [&str; 7] = [
    "faults::",
    "clients::",
    "host::",
    "leaks::",
    "reload::storm",
    "confinement::",
    "unprivileged::",
];
/// The columns with the descriptors, threads and memory of the process, before and after a fault.
const LEVELS: [usize; 2] = [7, 8];

/// What the output of the tests contains so far.
#[derive(Default)]
struct Tally {
    tried: usize,
    passed: usize,
    /// The test that is running.
    current: String,
    failed: Vec<String>,
    /// The largest growth from before a fault to after it: descriptors, threads, MiB.
    growth: [i64; 3],
}

fn main() -> io::Result<ExitCode> {
    let skipped = tempfile::NamedTempFile::new()?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut suite = Command::new(cargo)
        .args(["test", "--locked", "--test", "integration", "--"])
        .args(["--include-ignored", "--nocapture", "--test-threads=1"])
        .args(SUITES)
        .env(local_exporter_skip::FILE_VARIABLE, skipped.path())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut tally = Tally::default();
    println!("{HEAD}");
    if let Some(output) = suite.stdout.take() {
        for line in BufReader::new(output).lines() {
            tally.note(&line?);
        }
    }
    let succeeded = suite.wait()?.success();
    tally.sum_up();
    for line in std::fs::read_to_string(skipped)?.lines() {
        let reason = line.split_once('\t').map_or(line, |(_, reason)| reason);
        println!("- skipped: {reason}");
    }
    Ok(match succeeded && tally.tried > 0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

impl Tally {
    fn note(&mut self, line: &str) {
        // The name of a test and what it prints may share a line.
        if let Some(start) = line.find("| ").filter(|_| line.ends_with('|')) {
            let row = line.get(start..).unwrap_or_default();
            println!("{row}");
            self.tried += 1;
            self.note_levels(row);
        }
        // The result of a test follows its name, or its row.
        if let Some((name, _)) = line
            .strip_prefix("test ")
            .and_then(|l| l.split_once(" ... "))
        {
            name.clone_into(&mut self.current);
        }
        if line.ends_with("FAILED") {
            self.failed.push(self.current.clone());
        }
        if let Some((_, counts)) = line.split_once("test result: ") {
            let passed = counts.split(' ').zip(counts.split(' ').skip(1));
            let passed = passed.filter(|(_, what)| *what == "passed;");
            self.passed += passed
                .filter_map(|(n, _)| n.parse::<usize>().ok())
                .sum::<usize>();
        }
    }

    fn note_levels(&mut self, row: &str) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let level = |index: usize| -> Option<[i64; 3]> {
            let mut numbers = cells.get(index)?.split(", ").map(|part| {
                let number = part.split(' ').next().unwrap_or_default();
                number.parse::<i64>().ok()
            });
            Some([numbers.next()??, numbers.next()??, numbers.next()??])
        };
        let [before, after] = LEVELS.map(level);
        if let (Some(before), Some(after)) = (before, after) {
            for ((growth, before), after) in self.growth.iter_mut().zip(before).zip(after) {
                *growth = (*growth).max(after - before);
            }
        }
    }

    fn sum_up(&self) {
        let [descriptors, threads, memory] = self.growth;
        println!(
            "\n{} faults in the table. {} tests of {} passed and {} failed. At most {descriptors} \
             descriptors, {threads} threads and {memory} MiB more after a fault than before it.",
            self.tried,
            self.passed,
            SUITES.map(|suite| format!("`{suite}`")).join(", "),
            self.failed.len()
        );
        for name in &self.failed {
            println!("- failed: {name}");
        }
    }
}
