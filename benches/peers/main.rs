//! Compares the exporter with alternatives, in one run and under the same load.
//!
//! `cargo bench --bench peers` starts the `dist` build, nginx, `node_exporter` and
//! `exporter_exporter`, as far as they are installed, loads each in turn with `wrk`, and prints
//! Markdown tables on standard output and its progress on standard error. `benches/README.md`
//! explains the columns and contains the tables of the last run.
//!
//! Guarantees: a response is compared with the expected bytes before it is measured; a peer that is
//! not installed is named and left out; nothing is left behind, because every process is killed and
//! every file is in one temporary folder that is removed, also after Ctrl-C and a panic. It must
//! not touch the services of the host, nor count the processor time of a daemon as a server's.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the output is its result"
)]

mod body;
mod cell;
mod crowd;
mod daemon;
mod fetch;
mod goals;
mod host;
mod interrupt;
mod load;
mod measure;
mod plan;
mod process;
mod results;
mod role;
mod row;
mod scene;
mod server;
mod source;
mod table;

use clap::Parser;
use plan::Plan;
use results::Results;
use role::Role;
use scene::Scene;
use std::error::Error;
use std::process::ExitCode;

/// The result of a step that the run cannot continue without.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// Measures local-exporter against its peers.
#[derive(Debug, Parser)]
#[command(name = "peers", args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Runs one of the helper processes.
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    plan: Plan,
    /// Given by `cargo bench`, and not by `cargo test`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.role {
        Some(role) => role.play(),
        None if arguments.bench => compare(&arguments.plan),
        None => {
            eprintln!("nothing was measured; do so with cargo bench --bench peers");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(plan: &Plan) -> Outcome<()> {
    let scene = Scene::new(plan)?;
    println!("{}", host::description(&scene));
    let mut results = Results::new(&scene);
    for case in plan.cases() {
        for cell in plan.cells(case) {
            results.of(cell)?;
        }
        println!("{}", table::of_case(case, &results));
    }
    let goals = plan.goals();
    if !goals.is_empty() {
        println!("{}", goals::table(&goals, plan, &mut results)?);
    }
    Ok(())
}
