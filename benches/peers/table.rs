//! The tables of the cases, in Markdown.

use crate::body::size;
use crate::cell::{Case, Cell, Encoding};
use crate::fetch::Response;
use crate::results::Results;
use crate::row::{Measured, Row};
use std::fmt::Write;
use std::time::Duration;

/// All results of a case.
pub(crate) fn of_case(case: Case, results: &Results<'_>) -> String {
    let mut text = format!("### `{case}`\n\n");
    if results.of_case(case).next().is_none() {
        text += "Skipped: dbus-daemon is not installed.\n";
        return text;
    }
    let _ = write!(
        text,
        "| series | encoding requested | connections | server | response | requests/s | p50 ms | p99 ms \
         | CPU µs a scrape | peak MiB | pulls a scrape | {} |\n\
         | ---: | --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        ratio_of(case)
    );
    for (cell, measured) in results.of_case(case) {
        for row in &measured.0 {
            line(&mut text, cell, measured, row);
        }
    }
    text
}

/// The last column.
fn ratio_of(case: Case) -> &'static str {
    match case {
        Case::File => "CPU ÷ nginx",
        Case::Uds => "CPU ÷ (nginx + bare pull)",
        Case::Dbus => "CPU ÷ bare call",
    }
}

fn line(text: &mut String, cell: &Cell, measured: &Measured, row: &Row) {
    let Cell {
        case,
        series,
        requested,
        connections,
    } = *cell;
    let errors = match row.errors {
        0 => String::new(),
        errors => format!(" ({errors} errors)"),
    };
    let cost = row.cost().map(|cost| {
        let rough = if row.rough { "~" } else { "" };
        format!("{rough}{cost:.1}")
    });
    let reference = measured.reference(case).filter(|&cost| cost > 0.0);
    let ratio = row.cost().zip(reference);
    let ratio = ratio.map(|(cost, reference)| format!("{:.2}", cost / reference));
    let pulls = (row.pulls > 0 && row.requests > 0)
        .then(|| format!("{:.2}", row.pulls as f64 / row.requests as f64));
    let served = row.response.is_some() && row.requests > 0;
    let cells = [
        series.to_string(),
        requested.to_string(),
        connections.to_string(),
        format!("{}{errors}", row.server),
        or_dash(
            row.response
                .as_ref()
                .map(|response| describe(response, requested)),
        ),
        format!("{:.0}", row.rate()),
        or_dash(served.then(|| milliseconds(row.p50))),
        or_dash(served.then(|| milliseconds(row.p99))),
        or_dash(cost),
        or_dash((row.peak_kib > 0).then(|| format!("{:.1}", row.peak_kib as f64 / 1024.0))),
        or_dash(pulls),
        or_dash(ratio),
    ];
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// How a response was sent, emphasized if it is not as requested.
fn describe(response: &Response, requested: Encoding) -> String {
    let size = size(response.sent);
    match (&response.encoding, requested) {
        (Some(encoding), _) => format!("{encoding}, {size}"),
        (None, Encoding::Plain) => size,
        (None, Encoding::Gzip) => format!("**not compressed**, {size}"),
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}
