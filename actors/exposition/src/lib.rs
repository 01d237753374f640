//! Checks bodies in the Prometheus exposition formats: text, `OpenMetrics` and delimited protobuf.
//!
//! Bytes in; the format, counts and the newest timestamp out, or the first fault with its line and column. The default
//! check answers one question: *would Prometheus ingest this body completely?* Its rules come from the lexers, the
//! parsers and the scrape loop of Prometheus 3.5 (`model/textparse`, `scrape/scrape.go`), not from the specifications.
//! The strict check also enforces the specifications.
//!
//! The crate returns no samples: it is a checker, not a parser for collectors.
//!
//! A body is a byte slice; how it was obtained does not matter.
//!
//! # Check a body
//!
//! ```
//! use local_exporter_exposition::{Format, Rules, check};
//!
//! let body = b"# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 17\n";
//! let summary = check(body, &Rules::default())?;
//! assert_eq!(summary.format, Format::Text);
//! assert_eq!((summary.families, summary.samples), (1, 1));
//! assert_eq!(summary.content_type(), "text/plain; version=0.0.4; charset=utf-8");
//! # Ok::<(), local_exporter_exposition::Fault>(())
//! ```
//!
//! # Find the fault
//!
//! A [`Fault`] has a kind, a position and a message. [`check`] returns the first one, [`list_faults`] one per line, at most [`MAX_FAULTS`] (of a protobuf body, only the first).
//!
//! ```
//! use local_exporter_exposition::{FaultKind, Rules, check, list_faults};
//!
//! let fault = check(b"up 1\nload{cpu=\"0\"} high\n", &Rules::default()).unwrap_err();
//! assert_eq!(fault.kind, FaultKind::Malformed);
//! assert_eq!((fault.line, fault.column), (2, 15));
//! assert_eq!(
//!     fault.to_string(),
//!     "line 2, column 15: `high` is not a valid number in `load{cpu=\"0\"} high`",
//! );
//!
//! // The writer was interrupted: Prometheus would store 1 instead of 1234.
//! let fault = check(b"up 1\njobs_total 1", &Rules::default()).unwrap_err();
//! assert_eq!(fault.kind, FaultKind::Truncated);
//!
//! let faults = list_faults(b"up\nload 0.5\njobs_total x\n", &Rules::default());
//! assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 3]);
//! ```
//!
//! # Enforce the specification
//!
//! ```
//! use local_exporter_exposition::{Check, Rules, check};
//!
//! let twice = b"up 1\nup 1\n";
//! assert!(check(twice, &Rules::default()).is_ok(), "Prometheus keeps one of the two");
//! let strict = Rules { check: Check::Strict, ..Rules::default() };
//! assert_eq!(check(twice, &strict).unwrap_err().line, 2);
//! ```
//!
//! # Join files
//!
//! [`join`] merges bodies so that each family and each series occurs once. Files that conflict with earlier ones are left
//! out, entirely or by family, and reported.
//!
//! ```
//! use local_exporter_exposition::{JoinRules, join};
//!
//! let first: &[u8] = b"# TYPE up gauge\nup{job=\"a\"} 1\n";
//! let second: &[u8] = b"# TYPE up gauge\nup{job=\"b\"} 0\nup{job=\"a\"} 0\n";
//! let joined = join(&[("first", first), ("second", second)], JoinRules::default());
//! assert_eq!(joined.body, b"# TYPE up gauge\nup{job=\"a\"} 1\nup{job=\"b\"} 0\n");
//! assert_eq!(joined.duplicates, 1);
//! assert!(joined.conflicts.is_empty());
//! ```
//!
//! # Strip timestamps
//!
//! ```
//! use local_exporter_exposition::{FormatChoice, strip_timestamps};
//!
//! let body = b"up{job=\"a\"} 1 1700000000000\n";
//! let stripped = strip_timestamps(body, FormatChoice::Text)?;
//! assert_eq!(*stripped, *b"up{job=\"a\"} 1\n");
//! # Ok::<(), local_exporter_exposition::Fault>(())
//! ```
//!
//! # Escape names
//!
//! ```
//! use local_exporter_exposition::{EscapingScheme, Format, escape_names};
//!
//! let body = b"{\"http.requests\",\"code.class\"=\"2xx\"} 17\n";
//! let escaped = escape_names(body, Format::Text, EscapingScheme::Underscores)?;
//! assert_eq!(escaped, b"http_requests{code_class=\"2xx\"} 17\n");
//! # Ok::<(), local_exporter_exposition::EscapingError>(())
//! ```
//!
//! # Guarantees
//!
//! - No function panics, does I/O or changes the body. The crate contains no `unsafe` code.
//! - [`Check::Strict`] accepts nothing that [`Check::Ingest`] refuses, and [`Check::Ingest`] nothing that
//!   [`Check::Whole`] refuses.
//! - A body that was cut off within a line or a protobuf message is refused, and so is an `OpenMetrics` body that was cut
//!   between two lines, unless the format is detected: without its `# EOF` it can look like text. Text cut between two
//!   lines and protobuf cut between two messages are undetectable, because these formats have no end mark.
//! - The time is linear in the size of the body, apart from sorting the labels of samples with more than 16 of them. A
//!   check allocates no memory per line, except for such samples and, in the strict check, for families and series.
//! - The results of [`strip_timestamps`], [`escape_names`] and [`join`] pass [`Check::Ingest`] if the bodies passed to
//!   them do.
//!
//! # Differences from Prometheus
//!
//! [`Check::Ingest`] refuses some bodies that Prometheus 3.5 does not:
//!
//! 1. Empty bodies, and text without its final newline, unless the [`Rules`] allow them.
//! 2. Text with a NUL byte where a token would begin: Prometheus silently drops everything after it.
//! 3. `OpenMetrics` with NUL bytes before, inside or after the final `# EOF`.
//! 4. Samples on which a label name occurs twice: Prometheus refuses them too, unless it drops the sample first because
//!    it is too old.
//! 5. Text with blanks before a metric name without quotes: Prometheus 3 makes them part of the name.
//! 6. `OpenMetrics` with a timestamp of a sample from 1e11 up to but not including 1e14, which can only be in
//!    milliseconds: Prometheus silently drops the sample.
//! 7. Protobuf with a metric larger than 512 KiB, and some encodings that no encoder writes.
//! 8. Bodies that crash its parser: a metric name of one letter without quotes in braces, such as `{A} 1`, and native
//!    histograms in protobuf with more buckets than their spans.
//!
//! # Not checked
//!
//! - The strict check adds nothing for protobuf.
//! - Limits of a scrape configuration, such as `sample_limit` or `label_name_length_limit`.
//! - Timestamps that are too old or too new for the storage of a Prometheus.
//! - Values over time, such as a counter that decreases between two scrapes.

mod check;
mod cursor;
mod detect;
mod entry;
mod escape;
mod fast_path;
mod fault;
mod format;
mod join;
mod labels;
mod metric_type;
mod name_escaping;
mod names;
mod number;
mod openmetrics;
mod protobuf;
mod rules;
mod series;
mod strict;
mod strip;
mod summary;
mod text;

pub use check::{MAX_FAULTS, check, list_faults, summarize};
pub use detect::detect_format;
pub use fault::{Fault, FaultKind};
pub use format::Format;
pub use join::{Conflict, Duplicate, JoinRules, Joined, Timestamps, join};
pub use name_escaping::{EscapingError, EscapingScheme, escape_names};
pub use rules::{Check, FinalNewline, FormatChoice, Rules};
pub use strip::strip_timestamps;
pub use summary::Summary;
