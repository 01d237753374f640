//! Tries every fault of a source, the host and clients, and prints what came of it: `cargo run --example faults`.
//!
//! Runs the tests in `tests/integration/faults/` and those of the other hard suites, one after the
//! other and those too that are left out otherwise because they take long. Of the rows that the
//! faults print it makes the table in `docs/src/faults.md`; the other suites are told by the number of
//! their tests. It judges nothing itself: a fault is survived when its test says so.

#![allow(
    clippy::print_stdout,
    reason = "a table on standard output is what this program is for"
)]

use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

const HEAD: &str = "\
| fault | answer | reason | after | neighbours before: median / longest (news of a change) | during | descriptors, threads, memory before | after |
| --- | ---: | --- | ---: | --- | --- | --- | --- |";
/// The suites: faults, misbehaving clients, what the host lacks, what is left behind,
/// configurations in quick succession, and what the process gives up or is not given.
const SUITES: [&str; 7] = [
    "faults::",
    "clients::",
    "host::",
    "leaks::",
    "reload::storm",
    "confinement::",
    "unprivileged::",
];
/// Where in a row the level of the process stands, before and after.
const LEVELS: [usize; 2] = [7, 8];

/// What the tests said.
#[derive(Default)]
struct Tally {
    tried: usize,
    passed: usize,
    /// The test that runs now.
    current: String,
    failed: Vec<String>,
    skipped: Vec<String>,
    /// The most that there was more of after a fault than before it.
    more: [i64; 3],
}

fn main() -> io::Result<ExitCode> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut suite = Command::new(cargo)
        .args(["test", "--locked", "--test", "integration", "--"])
        .args(["--include-ignored", "--nocapture", "--test-threads=1"])
        .args(SUITES)
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
        if line.contains("skipped: ") {
            self.skipped.push(line.to_owned());
        }
        // What becomes of a test stands behind its name, or below its row.
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
            for ((more, before), after) in self.more.iter_mut().zip(before).zip(after) {
                *more = (*more).max(after - before);
            }
        }
    }

    fn sum_up(&self) {
        let [descriptors, threads, memory] = self.more;
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
        for line in &self.skipped {
            println!("- {line}");
        }
    }
}
