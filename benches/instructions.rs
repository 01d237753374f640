//! Counts the instructions of the hot paths and compares them with recorded counts.
//!
//! `cargo bench --bench instructions`. Unlike time, instruction counts do not depend on how busy
//! the machine is. Each path runs under valgrind's callgrind twice, with a number of repetitions
//! and with three times as many: the difference contains no setup, and all threads are counted. The
//! run fails if a path exceeds the count in `benches/instructions.txt` by more than its tolerance.
//! `UPDATE_INSTRUCTIONS=1` records the new counts, to be reviewed and committed. Without valgrind
//! the run reports that and passes.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot go on has failed, and the output is its result"
)]

#[path = "instructions/paths.rs"]
mod paths;

use paths::{PATHS, Path};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [name, repetitions] = &arguments[..]
        && let Some(path) = PATHS.iter().find(|path| path.name == name)
    {
        (path.run)(repetitions.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("SKIPPED: valgrind is not installed");
        return ExitCode::SUCCESS;
    }
    let figures = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");
    let counted: BTreeMap<&str, Counted> = PATHS
        .iter()
        .map(|path| (path.name, Counted::of(path)))
        .collect();
    if std::env::var_os("UPDATE_INSTRUCTIONS").is_some() {
        let lines = counted
            .iter()
            .fold(String::new(), |mut lines, (name, count)| {
                let _ = writeln!(lines, "{name} {}", count.instructions);
                lines
            });
        std::fs::write(figures, lines).expect("the file is written");
    }
    let known = std::fs::read_to_string(figures).unwrap_or_default();
    let known: BTreeMap<&str, u64> = known
        .lines()
        .filter_map(|line| {
            let (name, count) = line.split_once(' ')?;
            Some((name, count.parse().ok()?))
        })
        .collect();
    report(&counted, &known)
}

/// The count of one repetition of a path.
struct Counted {
    instructions: u64,
    tolerance: f64,
}

impl Counted {
    fn of(path: &Path) -> Self {
        let few = total(path.name, path.repetitions);
        let many = total(path.name, 3 * path.repetitions);
        Self {
            instructions: many.saturating_sub(few) / (2 * path.repetitions as u64),
            tolerance: path.tolerance,
        }
    }
}

fn report(counted: &BTreeMap<&str, Counted>, known: &BTreeMap<&str, u64>) -> ExitCode {
    let mut regressed = Vec::new();
    println!("| path | instructions | checked in | ratio |\n| --- | ---: | ---: | ---: |");
    for (name, counted) in counted {
        let count = counted.instructions;
        let Some(before) = known.get(name) else {
            println!("| {name} | {count} | none | |");
            regressed.push(*name);
            continue;
        };
        let ratio = count as f64 / *before as f64;
        println!("| {name} | {count} | {before} | {ratio:.3} |");
        if ratio > 1.0 + counted.tolerance {
            regressed.push(*name);
        }
    }
    if regressed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!(
        "more than the recorded count allows, or no recorded count: {}",
        regressed.join(", ")
    );
    println!("if this is intended: UPDATE_INSTRUCTIONS=1 cargo bench --bench instructions");
    ExitCode::FAILURE
}

/// The instructions of a whole run, as callgrind reports them.
fn total(name: &str, repetitions: usize) -> u64 {
    let own = std::env::current_exe().expect("a path of my own");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args([name, &repetitions.to_string()])
        .output()
        .expect("valgrind starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {text}");
    let collected = text.lines().find_map(|line| line.split_once("Collected :"));
    let (_, instructions) = collected.expect("callgrind says how many it collected");
    instructions.trim().parse().expect("a number")
}
