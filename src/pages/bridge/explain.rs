//! The text of `debug=true`, which explains one scrape, like the blackbox exporter's.
//!
//! It has three parts: the log of this scrape, the body that would have been returned, and the
//! selector's settings including defaults. The scrape is a real one. The log has the form of the
//! exporter's own log in format `logfmt`. The body is the one that the same client would get without
//! `debug=true`, except that quoted names are shown as they are, so the text reveals no other data.

mod files;

use crate::http::body::Piece;
use crate::process::logging::{Fields, Line};
use local_exporter_actors::report::Snapshot;
use local_exporter_actors::{Exposition, ScrapeResult, SelectorHandle};
use local_exporter_exposition::Format;
use std::time::{Duration, SystemTime};
use tracing::Level;

/// The most bytes of a body that are shown.
const MAX_SHOWN_BODY: usize = 1024 * 1024;

/// A scrape and its result.
#[derive(Clone, Copy, Debug)]
pub(super) struct FinishedScrape<'a> {
    pub(super) handle: &'a SelectorHandle,
    pub(super) started: SystemTime,
    pub(super) duration: Duration,
    /// The scraper's timeout; [`Duration::MAX`] if it set none.
    pub(super) timeout: Duration,
    pub(super) result: &'a ScrapeResult,
}

/// All three parts. The body is not copied.
pub(super) fn explain(scrape: &FinishedScrape<'_>) -> Vec<Piece> {
    let before = format!(
        "Logs for the scrape:\n{}{}{}{}\n\n\n\
         Metrics that would have been returned:\n",
        start_line(scrape),
        result_line(scrape),
        state_line(scrape),
        files::lines(scrape.handle, scrape.started + scrape.duration),
    );
    let (body, rest) = match scrape.result {
        Ok(exposition) => body_text(exposition),
        Err(_) => (None, "none\n".to_owned()),
    };
    let after = format!(
        "{rest}\n\n\nSelector configuration:\n{}",
        scrape.handle.spec().to_toml(),
    );
    let before = Some(Piece::whole(before.into()));
    let pieces = [before, body, Some(Piece::whole(after.into()))];
    pieces.into_iter().flatten().collect()
}

fn start_line(scrape: &FinishedScrape<'_>) -> String {
    let spec = scrape.handle.spec();
    let (deadline, set_by) = if scrape.timeout < spec.limits.timeout {
        (scrape.timeout, "scraper")
    } else {
        (spec.limits.timeout, "timeout")
    };
    let mut fields = Fields::default();
    fields.set("selector", spec.name.as_str());
    fields.set("kind", spec.source.kind());
    fields.set("source", scrape.handle.source());
    fields.set("deadline_seconds", deadline.as_secs_f64());
    fields.set("deadline_by", set_by);
    logfmt(scrape.started, Level::INFO, "scrape started", &fields)
}

fn result_line(scrape: &FinishedScrape<'_>) -> String {
    let mut fields = Fields::default();
    fields.set("selector", scrape.handle.spec().name.as_str());
    fields.set("duration_seconds", scrape.duration.as_secs_f64());
    let (level, msg) = match scrape.result {
        Ok(exposition) => {
            fields.set("format", exposition.summary.format.name());
            fields.set("bytes", exposition.body.len());
            fields.set("samples", exposition.summary.samples);
            fields.set("families", exposition.summary.families);
            if let Some(cached_at) = exposition.cached_at {
                fields.set("cached_seconds", cached_at.elapsed().as_secs_f64());
            }
            (Level::INFO, "scrape succeeded")
        }
        Err(error) => {
            fields.set("reason", error.reason.as_str());
            fields.set("error", error.message.as_str());
            if let Some(after) = error.retry_after {
                fields.set("retry_after_seconds", after.as_secs_f64());
            }
            (Level::ERROR, "scrape failed")
        }
    };
    logfmt(scrape.started + scrape.duration, level, msg, &fields)
}

/// The state and the counters of the selector after this scrape.
fn state_line(scrape: &FinishedScrape<'_>) -> String {
    let Snapshot {
        state,
        restarts,
        scrapes,
        failures,
        in_flight,
        last_success,
        // Other lines or `/debug/actors` show these.
        backoff_for: _,
        oldest_in_flight: _,
        last_error: _,
        body_bytes: _,
        cache: _,
    } = scrape.handle.snapshot();
    let mut fields = Fields::default();
    fields.set("selector", scrape.handle.spec().name.as_str());
    fields.set("state", state.as_str());
    fields.set("restarts", restarts);
    fields.set("scrapes", scrapes);
    fields.set("failures", failures);
    fields.set("in_flight", in_flight);
    if let Some(at) = last_success {
        let at = humantime::format_rfc3339_millis(at).to_string();
        fields.set("last_success", at);
    }
    let end = scrape.started + scrape.duration;
    logfmt(end, Level::INFO, "selector state", &fields)
}

fn logfmt(time: SystemTime, level: Level, msg: &str, fields: &Fields) -> String {
    let line = Line {
        time,
        level,
        msg,
        fields,
    };
    line.logfmt()
}

/// A body as text, up to [`MAX_SHOWN_BODY`], and the text that follows it.
fn body_text(exposition: &Exposition) -> (Option<Piece>, String) {
    let body = &exposition.body;
    if exposition.summary.format == Format::Protobuf {
        let text = format!("{} bytes of protobuf, not shown\n", body.len());
        return (None, text);
    }
    let part = body.get(..MAX_SHOWN_BODY).unwrap_or(body);
    let piece = match std::str::from_utf8(part) {
        Ok(_) => Piece::start_of(body, part.len()),
        // The last character is incomplete.
        Err(error) if error.error_len().is_none() => Piece::start_of(body, error.valid_up_to()),
        // Only bodies that are not checked contain other encodings.
        Err(_) => Piece::whole(String::from_utf8_lossy(part).into_owned().into()),
    };
    let rest = match body.len() {
        all if all > part.len() => format!("\n… {all} bytes in total\n"),
        _ => String::new(),
    };
    (Some(piece), rest)
}
