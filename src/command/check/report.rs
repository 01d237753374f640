//! The report of a check of one selector, as text and as JSON.

use local_exporter_actors::diagnose::{Finding, complete, explain};
use local_exporter_actors::{ScrapeResult, SelectorHandle};
use local_exporter_config::shown;
use serde::Serialize;
use std::fmt::{self, Write};

/// The verdict on a selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// The scrape succeeded, and there are no findings.
    Ok,
    /// The scrape succeeded, but something is missing or may fail later.
    Warning,
    /// The scrape failed.
    NotReady,
}

/// The result of checking one selector.
#[derive(Debug)]
pub(super) struct Report {
    selector: String,
    kind: &'static str,
    source: String,
    pub(super) verdict: Verdict,
    answer: ScrapeResult,
    /// The findings; the cause of a failed scrape is the first.
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(
        handle: &SelectorHandle,
        answer: ScrapeResult,
        findings: Vec<Finding>,
    ) -> Self {
        let source = &handle.spec().source;
        let (verdict, findings) = match (&answer, handle.snapshot().cache) {
            (Err(error), _) => (Verdict::NotReady, explain(source, error, findings)),
            (Ok(exposition), Some(cache)) if exposition.cached_at.is_some() => {
                succeeded(complete(findings, &cache.report, &exposition.summary))
            }
            (Ok(_), _) => succeeded(findings),
        };
        Self {
            selector: handle.spec().name.clone(),
            kind: source.kind(),
            source: handle.source().to_owned(),
            verdict,
            answer,
            findings,
        }
    }
}

fn succeeded(findings: Vec<Finding>) -> (Verdict, Vec<Finding>) {
    let verdict = match findings.as_slice() {
        [] => Verdict::Ok,
        _ => Verdict::Warning,
    };
    (verdict, findings)
}

/// One line, and one indented line for each further finding.
impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut findings = self.findings.iter();
        write!(out, "{}: ", self.selector)?;
        match (&self.answer, self.verdict) {
            (Ok(exposition), verdict) => {
                let verdict = match verdict {
                    Verdict::Ok => "ok",
                    Verdict::Warning | Verdict::NotReady => "warning",
                };
                let (bytes, samples) = (exposition.body.len(), exposition.summary.samples);
                let format = exposition.summary.format.name();
                writeln!(
                    out,
                    "{verdict}, bytes: {bytes}, samples: {samples}, {format}"
                )?;
            }
            (Err(error), _) => {
                write!(out, "{}: ", error.reason)?;
                findings.next().map_or(Ok(()), |cause| line(out, cause))?;
            }
        }
        findings.try_for_each(|finding| {
            out.write_str("  ")?;
            line(out, finding)
        })
    }
}

fn line(out: &mut impl Write, finding: &Finding) -> fmt::Result {
    writeln!(out, "{}; {}", finding.what, finding.remedy)
}

#[derive(Serialize)]
struct Json<'a> {
    selector: &'a str,
    kind: &'a str,
    source: &'a str,
    verdict: Verdict,
    reason: Option<&'a str>,
    message: Option<&'a str>,
    bytes: Option<usize>,
    samples: Option<usize>,
    format: Option<&'a str>,
    findings: Vec<JsonFinding<'a>>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    what: &'a str,
    path: Option<String>,
    remedy: &'a str,
}

/// All reports as a JSON array.
pub(super) fn json(reports: &[Report]) -> String {
    let reports: Vec<Json<'_>> = reports.iter().map(Json::from).collect();
    format!("{:#}\n", serde_json::json!(reports))
}

impl<'a> From<&'a Report> for Json<'a> {
    fn from(report: &'a Report) -> Self {
        let (good, error) = (report.answer.as_ref().ok(), report.answer.as_ref().err());
        let finding = |finding: &'a Finding| JsonFinding {
            what: &finding.what,
            path: finding.path.as_deref().map(|path| shown(path).to_string()),
            remedy: &finding.remedy,
        };
        Self {
            selector: &report.selector,
            kind: report.kind,
            source: &report.source,
            verdict: report.verdict,
            reason: error.map(|error| error.reason.as_str()),
            message: error.map(|error| error.message.as_str()),
            bytes: good.map(|exposition| exposition.body.len()),
            samples: good.map(|exposition| exposition.summary.samples),
            format: good.map(|exposition| exposition.summary.format.name()),
            findings: report.findings.iter().map(finding).collect(),
        }
    }
}
