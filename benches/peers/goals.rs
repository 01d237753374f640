//! The goals, each with the result of this run.
//!
//! A goal that cannot be measured because a program is missing is skipped, which is neither met nor
//! missed. A missed goal does not fail the run: the run exists to find that out.

mod binary;
mod idle;
mod isolation;
mod memory;
mod ratio;
mod sharing;
mod start;

use crate::Outcome;
use crate::cell::Case;
use crate::plan::Plan;
use crate::results::Results;
use clap::ValueEnum;
use std::fmt::Write;
use std::time::Duration;

/// The values of `--goal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Goal {
    File,
    Gzip,
    Uds,
    Dbus,
    Sharing,
    Memory,
    Idle,
    Start,
    Isolation,
    Binary,
}

/// A line of the table.
#[derive(Debug)]
struct Line {
    what: String,
    limit: &'static str,
    reached: String,
    verdict: Verdict,
}

/// Whether a goal was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Met,
    Missed,
    Skipped,
}

impl Verdict {
    fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }
}

impl Line {
    fn skipped(what: String, limit: &'static str, why: &str) -> Self {
        Self {
            what,
            limit,
            reached: why.to_owned(),
            verdict: Verdict::Skipped,
        }
    }
}

impl Goal {
    fn measure(self, plan: &Plan, results: &mut Results<'_>) -> Outcome<Vec<Line>> {
        match self {
            Self::File => ratio::file(plan, results),
            Self::Gzip => ratio::gzip(plan, results),
            Self::Uds => ratio::uds(plan, results),
            Self::Dbus => ratio::dbus(plan, results),
            Self::Sharing => sharing::measure(results.scene),
            Self::Memory => memory::measure(results.scene),
            Self::Idle => idle::measure(plan, results.scene),
            Self::Start => start::measure(results.scene),
            Self::Isolation => isolation::measure(results.scene),
            Self::Binary => binary::measure(results.scene),
        }
    }

    /// Whether it needs only the table of a case.
    pub(crate) fn is_read_off(self, case: Case) -> bool {
        matches!(
            (self, case),
            (Self::File | Self::Gzip, Case::File)
                | (Self::Uds, Case::Uds)
                | (Self::Dbus, Case::Dbus)
        )
    }

    /// About how long it takes on its own.
    pub(crate) fn duration(self, plan: &Plan) -> Duration {
        let round = Duration::from_secs(plan.seconds());
        let connections = u32::try_from(plan.connections().len()).unwrap_or(1);
        let cell = round * plan.rounds() * connections;
        match self {
            Self::File => cell * 2 * 2,
            Self::Gzip => cell * 2 * 3,
            Self::Uds | Self::Dbus => cell * 3,
            Self::Sharing => round,
            Self::Memory => round * 2 + Duration::from_secs(2),
            Self::Idle => plan.idle() + Duration::from_secs(2),
            Self::Start => Duration::from_secs(5),
            Self::Isolation => round * isolation::ROUNDS * 2,
            Self::Binary => Duration::ZERO,
        }
    }
}

/// Measures the goals in turn and writes the results as a table.
pub(crate) fn table(goals: &[Goal], plan: &Plan, results: &mut Results<'_>) -> Outcome<String> {
    let mut text =
        "### Goals\n\n| goal | limit | reached | verdict |\n| --- | --- | --- | --- |\n".to_owned();
    for goal in goals {
        eprintln!("goal: {goal:?}");
        for line in goal.measure(plan, results)? {
            let Line {
                what,
                limit,
                reached,
                verdict,
            } = line;
            let verdict = match verdict {
                Verdict::Met => "met",
                Verdict::Missed => "**missed**",
                Verdict::Skipped => "skipped",
            };
            let _ = writeln!(text, "| {what} | {limit} | {reached} | {verdict} |");
        }
    }
    Ok(text)
}
