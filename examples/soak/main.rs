//! A long run against faulty sources, which fails if the exporter leaks or sends an incorrect response.
//!
//! ```sh
//! cargo build --profile dist && cargo run --profile dist --example soak -- --minutes 30
//! ```
//!
//! Starts the program as a child process, sources of all kinds and clients with different
//! behaviour, and injects faults at random from a printed seed. After a warm-up and at the end it
//! measures resident memory, descriptors, threads and scrapes in flight during several pauses, with
//! all sources healthy and no scrapes. The run fails if the median of one of them has grown, if a
//! client got an incorrect response, if an actor was restarted, or if the process has ended.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a run that cannot go on has failed, and the output is its result"
)]

mod bodies;
mod clients;
mod crowd;
mod exchange;
mod exporter;
mod faults;
mod measure;
mod scene;
mod sources;
mod tally;

use clap::Parser;
use scene::{Pauses, Scene};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Debug, Parser)]
struct Arguments {
    /// How long to run after the warm-up, in minutes; may be a fraction.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// The seed of faults and clients [default: random]; it is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// The program to test [default: the one built with the same profile].
    #[arg(long)]
    program: Option<PathBuf>,
    /// How many KiB the resident memory may grow, if a twentieth is less: in a run of seconds the
    /// allocator has not reached its steady state.
    #[arg(long, default_value_t = 0)]
    slack_kib: u64,
    /// The number of pauses of which a measurement is the median.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pauses: u64,
}

impl Arguments {
    /// The number of pauses, and how long faults and scrapes go on between them. The heap in a
    /// pause depends on the scrapes before it, by up to a MiB, so these must differ for each pause.
    fn pauses(&self) -> Pauses {
        Pauses {
            count: self.pauses,
            between: (self.length() / 3).min(Duration::from_secs(20)),
        }
    }

    fn length(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    /// The length of the warm-up: long enough that every kind of fault has hit every source many
    /// times, and that the heap has seen most coincidences. The lowest size of the heap in a minute
    /// rose by a twenty-fifth during the first ten minutes, and by a fiftieth during the next
    /// thirty.
    fn warm_up(&self) -> Duration {
        (self.length() / 2).clamp(Duration::from_secs(10), Duration::from_secs(600))
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let drawn = || since_epoch.unwrap_or_default().as_secs();
    let seed = arguments.seed.unwrap_or_else(drawn);
    println!("seed {seed}");

    let mut scene = Scene::start(arguments.program.as_deref());
    scene.run(seed, arguments.warm_up());
    let before = scene.level(seed, arguments.pauses());
    println!("after the warm-up: {before}");
    scene.run(seed.wrapping_add(1), arguments.length());
    let after = scene.level(seed, arguments.pauses());
    println!("at the end:        {after}");
    let growth = after.growth_since(&before, arguments.slack_kib);
    verdict(&mut scene, &growth)
}

/// Prints the result.
fn verdict(scene: &mut Scene, growth: &[String]) -> ExitCode {
    println!("{}", scene.tally());
    for grown in growth {
        println!("grown: {grown}");
    }
    let restarts = scene.exporter().restarts();
    println!("restarts of actors: {restarts}");
    let alive = scene.is_alive();
    println!("alive: {alive}, level: {}", growth.is_empty());
    if alive && growth.is_empty() && restarts == 0 && scene.tally().is_right() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
