//! Judges a body in one of the exposition formats: text, `OpenMetrics` or delimited protobuf.
//!
//! Promises: bytes in; the format, counts and the newest timestamp, or the first fault, out. Bytes are never
//! changed, nothing is read or written, nothing panics. What Prometheus 3.5 ingests is taken from its own lexers,
//! parsers and scrape loop (`model/textparse`, `scrape/scrape.go`), not from the specifications: those are the
//! business of [`Check::Strict`].

mod check;
mod cursor;
mod detect;
mod entry;
mod fast_path;
mod fault;
mod join;
mod labels;
mod number;
mod openmetrics;
mod points;
mod protobuf;
mod strict;
mod strip;

mod text;

#[cfg(test)]
mod corpus_test;
#[cfg(test)]
mod property_test;
#[cfg(test)]
mod tests;

pub use fault::{Fault, FaultKind};
pub use join::{Conflict, Joined, join};
pub use strip::strip_timestamps;

use check::check_body;

/// A format a body can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text, 0.0.4 and 1.0.0.
    Text,
    /// `OpenMetrics` 1.0 text.
    OpenMetrics,
    /// `io.prometheus.client.MetricFamily` messages, each preceded by its length.
    Protobuf,
}

impl Format {
    /// What it is called in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::OpenMetrics => "openmetrics",
            Self::Protobuf => "protobuf",
        }
    }

    /// The choice that leaves nothing but this format.
    #[must_use]
    pub const fn choice(self) -> FormatChoice {
        match self {
            Self::Text => FormatChoice::Text,
            Self::OpenMetrics => FormatChoice::OpenMetrics,
            Self::Protobuf => FormatChoice::Protobuf,
        }
    }

    /// The Content-Type to serve a body with; `utf8_names` where it holds quoted names.
    #[must_use]
    pub const fn content_type(self, utf8_names: bool) -> &'static str {
        match (self, utf8_names) {
            (Self::Text, false) => "text/plain; version=0.0.4; charset=utf-8",
            (Self::Text, true) => "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            (Self::OpenMetrics, false) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
            (Self::OpenMetrics, true) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
            (Self::Protobuf, _) => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// How much of a body is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Check {
    /// Accepts what Prometheus ingests completely.
    #[default]
    Ingest,
    /// Accepts what [`Check::Ingest`] accepts and the specification of the format allows.
    Strict,
    /// Accepts what is complete: not empty, not cut off.
    Whole,
    /// Accepts everything.
    None,
}

/// The format a body is read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FormatChoice {
    /// Detected from the bytes.
    #[default]
    Auto,
    /// Prometheus text.
    Text,
    /// `OpenMetrics` text.
    OpenMetrics,
    /// Delimited protobuf.
    Protobuf,
}

/// Whether a text body must end with a newline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FinalNewline {
    /// A body without one was cut.
    #[default]
    Required,
    /// For files: one missing newline is tolerated and reported.
    MayBeMissing,
}

/// What a body is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// How much is judged.
    pub check: Check,
    /// The format expected.
    pub format: FormatChoice,
    /// Whether a body of no bytes passes.
    pub allow_empty: bool,
    /// Whether a text body must end with a newline.
    pub final_newline: FinalNewline,
}

/// What an accepted body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The format it is in.
    pub format: Format,
    /// Sample lines; in protobuf, `Metric` messages. Zero where the check does not read samples.
    pub samples: usize,
    /// Families announced by metadata; lines in a row that name the same family count once.
    pub families: usize,
    /// Exemplars.
    pub exemplars: usize,
    /// The newest timestamp of a sample, in milliseconds since the epoch.
    pub newest_timestamp_ms: Option<i64>,
    /// Whether a name is one that only UTF-8 validation allows (`my.name`).
    pub needs_utf8: bool,
    /// Whether a name is written in quotes, which version 0.0.4 of the text format does not know.
    pub quoted_names: bool,
    /// Whether the final newline is missing, and was tolerated.
    pub missing_final_newline: bool,
}

impl Summary {
    pub(crate) const fn new(format: Format) -> Self {
        Self {
            format,
            samples: 0,
            families: 0,
            exemplars: 0,
            newest_timestamp_ms: None,
            needs_utf8: false,
            quoted_names: false,
            missing_final_newline: false,
        }
    }

    /// The Content-Type to serve this body with.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        let quoted = matches!(self.format, Format::Text) && self.quoted_names;
        self.format.content_type(self.needs_utf8 || quoted)
    }
}

/// Judges `body` against `rules`.
///
/// # Errors
///
/// The first fault, with its place.
pub fn check(body: &[u8], rules: &Rules) -> Result<Summary, Fault> {
    check_body(body, rules, 1).map_err(|faults| faults.into_iter().next().unwrap_or_default())
}

/// What can be seen of a body that is passed on unjudged, as far as it reads:
/// the Content-Type must be right all the same.
#[must_use]
pub fn summarize(body: &[u8], format: Format) -> Summary {
    let rules = Rules {
        check: Check::Ingest,
        format: format.choice(),
        allow_empty: true,
        final_newline: FinalNewline::MayBeMissing,
    };
    check(body, &rules).unwrap_or(Summary::new(format))
}

/// The most faults [`problems`] lists.
pub const MAX_FAULTS: usize = 1000;

/// Every fault of `body`, at most one per line and [`MAX_FAULTS`] in all.
///
/// A fault can make the lines after it look wrong; the first is the one to trust.
#[must_use]
pub fn list_faults(body: &[u8], rules: &Rules) -> Vec<Fault> {
    check_body(body, rules, MAX_FAULTS)
        .err()
        .unwrap_or_default()
}

/// The format `body` is read as under `choice`.
#[must_use]
pub fn detect_format(body: &[u8], choice: FormatChoice) -> Format {
    detect::detect_format(body, choice)
}
