//! A long run against sources that misbehave: what stands where it stood, and what does not.
//!
//! ```sh
//! cargo build --profile dist && cargo run --profile dist --example soak -- --minutes 30
//! ```
//!
//! Starts the program as a process of its own, sources of all kinds, and clients
//! of all manners, while faults are drawn by a printed seed. After a warm-up and
//! at the end, in several rests with all sources well and nothing under way,
//! resident memory, descriptors, threads and scrapes in flight are read. The run
//! fails if the median of one of them has grown, if a client was ever answered
//! wrongly, if an actor had to be restarted, or if the process is gone.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a run that cannot go on has failed, and its answer is what it prints"
)]

mod bodies;
mod clients;
mod exchange;
mod exporter;
mod faults;
mod measure;
mod scene;
mod sources;
mod tally;

use clap::Parser;
use scene::{Rests, Scene};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Debug, Parser)]
struct Arguments {
    /// How long to run after the warm-up, in minutes; a fraction will do.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// The seed of the faults and of what clients do; drawn and printed where none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// The program to try; without it, the one that was built beside this one.
    #[arg(long)]
    program: Option<PathBuf>,
    /// How many KiB more may be resident at the end, if a twentieth is less: in a run
    /// of seconds the allocator has not seen yet what it will see.
    #[arg(long, default_value_t = 0)]
    slack_kib: u64,
    /// How many rests a level is the median of.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rests: u64,
}

impl Arguments {
    /// How many rests there are, and how long faults and scrapes go on between them: a rest leaves
    /// the heap as the scrapes before it happened to, up to a MiB more or less, and these are to
    /// be others for each.
    fn rests(&self) -> Rests {
        Rests {
            count: self.rests,
            between: (self.length() / 3).min(Duration::from_secs(20)),
        }
    }

    fn length(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    /// How long faults and scrapes go on before anything is compared: long
    /// enough for every kind of fault to have met every source, many times, and
    /// for the heap to have met most of what coincides: its lowest in a minute was
    /// found to rise by a twenty-fifth in the first ten, and by a fiftieth in the next thirty.
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
    let before = scene.level(seed, arguments.rests());
    println!("after the warm-up: {before}");
    scene.run(seed.wrapping_add(1), arguments.length());
    let after = scene.level(seed, arguments.rests());
    println!("at the end:        {after}");
    let growth = after.growth_since(&before, arguments.slack_kib);
    verdict(&mut scene, &growth)
}

/// Says what came of it all.
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
