//! Processor time per scrape, compared with the reference in the same cells.
//!
//! A goal is met if it is met at every number of connections.

use super::{Line, Verdict};
use crate::Outcome;
use crate::body::{self, size};
use crate::cell::{Case, Cell, Encoding};
use crate::plan::Plan;
use crate::results::Results;
use crate::row::Measured;
use crate::server::Server;

/// A goal of this kind.
struct Ratio {
    case: Case,
    requested: Encoding,
    what: &'static str,
    limit: &'static str,
    at_most: f64,
}

/// The sizes of 9 kB and 92 kB.
const SMALL: [usize; 2] = [100, 1_000];

pub(super) fn file(plan: &Plan, results: &mut Results<'_>) -> Outcome<Vec<Line>> {
    let goal = Ratio {
        case: Case::File,
        requested: Encoding::Plain,
        what: "`file`, cached, plain",
        limit: "CPU ≤ 1 × nginx",
        at_most: 1.0,
    };
    goal.measure(&SMALL, plan, results)
}

pub(super) fn gzip(plan: &Plan, results: &mut Results<'_>) -> Outcome<Vec<Line>> {
    let goal = Ratio {
        case: Case::File,
        requested: Encoding::Gzip,
        what: "`file`, cached, gzip",
        limit: "CPU ≤ 0.2 × nginx at level 1",
        at_most: 0.2,
    };
    goal.measure(&[100, 1_000, 10_000], plan, results)
}

pub(super) fn uds(plan: &Plan, results: &mut Results<'_>) -> Outcome<Vec<Line>> {
    let goal = Ratio {
        case: Case::Uds,
        requested: Encoding::Plain,
        what: "`uds`, default `check`",
        limit: "CPU ≤ 1.3 × (nginx + bare pull)",
        at_most: 1.3,
    };
    goal.measure(&[100], plan, results)
}

pub(super) fn dbus(plan: &Plan, results: &mut Results<'_>) -> Outcome<Vec<Line>> {
    let goal = Ratio {
        case: Case::Dbus,
        requested: Encoding::Plain,
        what: "`dbus`",
        limit: "CPU ≤ 2 × bare call",
        at_most: 2.0,
    };
    goal.measure(&[100], plan, results)
}

impl Ratio {
    fn measure(
        &self,
        sizes: &[usize],
        plan: &Plan,
        results: &mut Results<'_>,
    ) -> Outcome<Vec<Line>> {
        let requested = sizes.iter().filter(|&&series| plan.has(series));
        requested
            .map(|&series| self.line(series, plan, results))
            .collect()
    }

    fn line(&self, series: usize, plan: &Plan, results: &mut Results<'_>) -> Outcome<Line> {
        let what = format!("{}, {}", self.what, size(body::text(series).len()));
        let (mut met, mut reached) = (true, Vec::new());
        for connections in plan.connections() {
            let cell = Cell {
                case: self.case,
                series,
                requested: self.requested,
                connections,
            };
            let Some(measured) = results.of(cell)? else {
                return Ok(Line::skipped(what, self.limit, "no dbus-daemon"));
            };
            let costs = measured.cost(Server::Exporter);
            let Some((cost, reference)) = costs.zip(measured.reference(self.case)) else {
                return Ok(Line::skipped(what, self.limit, "no nginx"));
            };
            let ratio = cost / reference;
            let encoded = self.requested == Encoding::Plain || is_compressed(measured);
            let note = if encoded { "" } else { " (**not compressed**)" };
            met &= ratio <= self.at_most && encoded;
            let parts = parts(self.case, measured);
            reached.push(format!(
                "{connections}: {cost:.1} / {parts} = {ratio:.2}{note}"
            ));
        }
        Ok(Line {
            what,
            limit: self.limit,
            reached: format!("connections: µs = ratio; {}", reached.join("; ")),
            verdict: Verdict::of(met),
        })
    }
}

/// The reference, written as the sum that it is.
fn parts(case: Case, measured: &Measured) -> String {
    let cost = |server| measured.cost(server).unwrap_or_default();
    let (nginx, pull) = (cost(Server::Nginx), cost(Server::PullLoop));
    match case {
        Case::File => format!("{nginx:.1}"),
        Case::Uds => format!("({nginx:.1} + {pull:.1})"),
        Case::Dbus => format!("{pull:.1}"),
    }
}

/// Whether the exporter compressed its response.
fn is_compressed(measured: &Measured) -> bool {
    let response = measured
        .row(Server::Exporter)
        .and_then(|row| row.response.as_ref());
    response.is_some_and(|response| response.encoding.as_deref() == Some("gzip"))
}
