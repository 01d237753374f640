//! One scrape, explained to a person: `?debug=true`, as the blackbox exporter has it.
//!
//! Three parts of text: the log of this scrape, the body that would have been
//! returned, and the selector's settings as they are in force. The scrape is a
//! real one. Prometheus does not take such a text for metrics. The only body
//! that is ever shown is the one that the same client could have had.

use local_exporter_actors::{Exposition, ScrapeResult, SelectorHandle};
use local_exporter_exposition::Format;
use std::fmt::{Display, Write};
use std::time::{Duration, SystemTime};

/// The most bytes of a body that are shown: enough to look at, and no burden.
const MOST_SHOWN: usize = 1024 * 1024;

/// One scrape that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended<'a> {
    pub(super) handle: &'a SelectorHandle,
    pub(super) began: SystemTime,
    pub(super) took: Duration,
    /// How long it was given; [`Duration::MAX`] if the scraper set no bound.
    pub(super) timeout: Duration,
    pub(super) answer: &'a ScrapeResult,
}

/// All three parts.
pub(super) fn explain(ended: &Ended<'_>) -> String {
    let body = match ended.answer {
        Ok(exposition) => shown(exposition),
        Err(_) => "none\n".to_owned(),
    };
    format!(
        "Logs for the scrape:\n{}\n\n\n\
         Metrics that would have been returned:\n{body}\n\n\n\
         Selector configuration:\n{}",
        log(ended),
        ended.handle.spec().to_toml(),
    )
}

/// What happened, in lines of logfmt.
fn log(ended: &Ended<'_>) -> String {
    let Ended { handle, answer, .. } = ended;
    let spec = handle.spec();
    let before = handle.snapshot();
    let mut lines = Lines::default();
    let deadline = ended.timeout.min(spec.limits.timeout);
    lines.begin(ended.began, "info", "scrape begins");
    lines.word("selector", &spec.name);
    lines.plain("kind", spec.source.kind());
    lines.word("source", handle.source());
    lines.plain("deadline_seconds", deadline.as_secs_f64());
    let decided = if ended.timeout < spec.limits.timeout {
        "scraper"
    } else {
        "timeout"
    };
    lines.plain("deadline_by", decided);
    lines.end();

    let end = ended.began + ended.took;
    match answer {
        Ok(exposition) => {
            lines.begin(end, "info", "the actor gave an answer");
            lines.plain("duration_seconds", ended.took.as_secs_f64());
            lines.plain("format", exposition.summary.format.name());
            lines.plain("bytes", exposition.body.len());
            lines.plain("samples", exposition.summary.samples);
            lines.plain("families", exposition.summary.families);
            if let Some(cached_at) = exposition.cached_at {
                lines.plain("cached_seconds", cached_at.elapsed().as_secs_f64());
            }
        }
        Err(error) => {
            lines.begin(end, "error", "the actor gave no answer");
            lines.plain("duration_seconds", ended.took.as_secs_f64());
            lines.plain("reason", error.reason);
            lines.word("cause", &error.message);
            if let Some(after) = error.retry_after {
                lines.plain("retry_after_seconds", after.as_secs_f64());
            }
        }
    }
    lines.end();
    lines.begin(end, "info", "what is known of the selector");
    lines.plain("state", before.state.as_str());
    lines.plain("restarts", before.restarts);
    lines.plain("scrapes", before.scrapes);
    lines.plain("failures", before.failures);
    lines.plain("in_flight", before.in_flight);
    if let Some(at) = before.last_success {
        lines.plain("last_success", humantime::format_rfc3339_millis(at));
    }
    lines.end();
    lines.0
}

/// A body as far as it can be shown.
fn shown(exposition: &Exposition) -> String {
    let body = &exposition.body;
    if exposition.summary.format == Format::Protobuf {
        return format!("{} bytes of protobuf, not shown\n", body.len());
    }
    let part = body.get(..MOST_SHOWN).unwrap_or(body);
    let mut text = String::from_utf8_lossy(part).into_owned();
    if part.len() < body.len() {
        text += &format!("\n… {} bytes in all\n", body.len());
    }
    text
}

/// Lines of logfmt.
#[derive(Debug, Default)]
struct Lines(String);

impl Lines {
    fn begin(&mut self, at: SystemTime, level: &str, message: &str) {
        let at = humantime::format_rfc3339_millis(at);
        self.0 += &format!("time={at} level={level} msg={message:?}");
    }

    /// A value that needs no quotes.
    fn plain(&mut self, key: &str, value: impl Display) {
        // Writing to a string does not fail.
        let _ = write!(self.0, " {key}={value}");
    }

    /// A value that may hold anything.
    fn word(&mut self, key: &str, value: &str) {
        let _ = write!(self.0, " {key}={value:?}");
    }

    fn end(&mut self) {
        self.0.push('\n');
    }
}
