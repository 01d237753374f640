//! The measurements selected on the command line, and how long they take.

use crate::cell::{Case, Cell, Encoding};
use crate::goals::Goal;
use crate::scene::Servers;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// The time that a server takes besides its rounds: starting it, comparing its response, waiting
/// until it is idle.
const OVERHEAD: Duration = Duration::from_millis(600);

/// What to measure. Everything takes about 20 minutes.
#[derive(Args, Debug)]
pub(crate) struct Plan {
    /// Which parts to run; all of them if none is named.
    #[arg(long = "case", value_enum, value_delimiter = ',')]
    parts: Vec<Part>,
    /// Which goals to measure, and nothing else; all of them if none is named.
    #[arg(long = "goal", value_enum, value_delimiter = ',')]
    goals: Vec<Goal>,
    /// The goals alone, at 16 connections and in short rounds: about a minute.
    #[arg(long)]
    quick: bool,
    /// The sizes of the bodies, in series.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 10_000])]
    series: Vec<usize>,
    /// How many connections are used at once [default: 1,16,256, with --quick 16].
    #[arg(long, value_delimiter = ',')]
    connections: Vec<usize>,
    /// The encodings that the client accepts.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Encoding::Plain, Encoding::Gzip])]
    encoding: Vec<Encoding>,
    /// The number of rounds of each server.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The length of a round in seconds [default: 2, with --quick 1].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// The exporter to measure, instead of the `dist` build of this tree.
    #[arg(long, value_name = "FILE")]
    exporter: Option<PathBuf>,
}

/// The values of `--case`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    File,
    Uds,
    Dbus,
    Goals,
}

impl Plan {
    /// The cases to print a table of.
    pub(crate) fn cases(&self) -> Vec<Case> {
        let all = [
            (Part::File, Case::File),
            (Part::Uds, Case::Uds),
            (Part::Dbus, Case::Dbus),
        ];
        let only_goals = self.quick || !self.goals.is_empty();
        let wanted = |part| match self.parts.is_empty() {
            true => !only_goals,
            false => self.parts.contains(&part),
        };
        let chosen = all.into_iter().filter(|(part, _)| wanted(*part));
        chosen.map(|(_, case)| case).collect()
    }

    /// The goals to measure.
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let requested = self.parts.is_empty() || self.parts.contains(&Part::Goals);
        match (self.goals.is_empty(), requested) {
            (false, _) => self.goals.clone(),
            (true, true) => Goal::value_variants().to_vec(),
            (true, false) => Vec::new(),
        }
    }

    /// The cells of a case's table, in its order.
    pub(crate) fn cells(&self, case: Case) -> Vec<Cell> {
        let mut cells = Vec::new();
        for &series in &self.series {
            for &requested in &self.encoding {
                for connections in self.connections() {
                    cells.push(Cell {
                        case,
                        series,
                        requested,
                        connections,
                    });
                }
            }
        }
        cells
    }

    /// How many connections are used at once, in turn.
    pub(crate) fn connections(&self) -> Vec<usize> {
        match (self.connections.is_empty(), self.quick) {
            (false, _) => self.connections.clone(),
            (true, true) => vec![16],
            (true, false) => vec![1, 16, 256],
        }
    }

    /// The servers besides the exporter: only those that a table will show.
    pub(crate) fn servers(&self) -> Servers {
        match self.cases().is_empty() {
            true => Servers::InGoals,
            false => Servers::All,
        }
    }

    /// Whether bodies of this size are measured.
    pub(crate) fn has(&self, series: usize) -> bool {
        self.series.contains(&series)
    }

    pub(crate) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// The length of a round in whole seconds, as `wrk` requires.
    pub(crate) fn seconds(&self) -> u64 {
        self.seconds.unwrap_or(if self.quick { 1 } else { 2 })
    }

    /// How long to measure an idle exporter: whole `refresh` intervals of its files.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(if self.quick { 15 } else { 30 })
    }

    pub(crate) fn exporter(&self) -> Option<&PathBuf> {
        self.exporter.as_ref()
    }

    /// About how long everything takes.
    pub(crate) fn estimate(&self) -> Duration {
        let round = Duration::from_secs(self.seconds()) * self.rounds + OVERHEAD;
        let tables: Duration = self
            .cases()
            .into_iter()
            .map(|case| {
                round * case.most_servers() * u32::try_from(self.cells(case).len()).unwrap_or(0)
            })
            .sum();
        let goals = self.goals().into_iter().map(|goal| {
            let measured = self.cases().into_iter().any(|case| goal.is_read_off(case));
            if measured {
                Duration::ZERO
            } else {
                goal.duration(self)
            }
        });
        tables + goals.sum::<Duration>()
    }
}
