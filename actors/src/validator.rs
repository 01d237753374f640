//! Validates the body that a source returned, according to the selector's body policy.
//!
//! Applies the checker and the policy for timestamps. Performs no I/O and does not know which
//! source returned the body.

use crate::blocking::BlockingPool;
use crate::faults::{FaultPoint, Faults};
use crate::reason::Reason;
use crate::rules::rules;
use crate::scrape::{Exposition, ScrapeError, ScrapeResult};
use bytes::Bytes;
use local_exporter_config::{BodyPolicy, Timestamps};
use local_exporter_exposition::{
    Check, Fault, FaultKind, FinalNewline, FormatChoice, JoinRules, Rules, Summary, check,
    strip_timestamps, summarize,
};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tracing::Span;

/// Larger bodies are validated on the blocking pool. Validation takes about a millisecond for
/// each MiB, and must not delay other selectors on the thread.
const MAX_INLINE_BYTES: usize = 256 * 1024;
/// The beginning of a response of HTTP/1 (RFC 9112, section 4).
const HTTP: &[u8] = b"HTTP/1.";

/// The requirements for the bodies of one source.
#[derive(Clone, Debug)]
pub(crate) struct Validator {
    rules: Rules,
    timestamps: Timestamps,
    /// Limits the source to one validation on the blocking pool. A validation continues after
    /// its scrape has timed out, and others must not accumulate behind it.
    blocking_slot: Arc<Semaphore>,
    faults: Faults,
}

impl Validator {
    /// For bodies that a daemon sends as a whole.
    pub(crate) fn new(policy: BodyPolicy) -> Self {
        Self {
            rules: rules(policy, FinalNewline::Required),
            timestamps: policy.timestamps,
            blocking_slot: Arc::new(Semaphore::new(1)),
            faults: Faults::default(),
        }
    }

    /// Adds the faults to inject.
    pub(crate) fn with_faults(mut self, faults: &Faults) -> Self {
        self.faults = faults.clone();
        self
    }

    /// For files, which may be written by hand: the last newline may be missing.
    pub(crate) fn for_files(policy: BodyPolicy) -> Self {
        let mut validator = Self::new(policy);
        validator.rules.final_newline = FinalNewline::MayBeMissing;
        validator
    }

    /// For a file that is still being written: without its last newline it is incomplete.
    pub(crate) fn for_incomplete(&self) -> Self {
        let mut validator = self.clone();
        validator.rules.final_newline = FinalNewline::Required;
        validator
    }

    /// The rules for joining bodies that are validated together.
    pub(crate) fn join_rules(&self) -> JoinRules {
        JoinRules {
            format: self.rules.format,
            timestamps: match self.timestamps {
                Timestamps::Strip => local_exporter_exposition::Timestamps::Stripped,
                Timestamps::Keep | Timestamps::Reject => {
                    local_exporter_exposition::Timestamps::Kept
                }
            },
        }
    }

    /// The error of each body that begins like this, if it is known from the beginning alone: a NUL
    /// byte at the start of a text, as in a sparse file. `from` names the source in the error.
    pub(crate) fn reject_start(
        &self,
        start: &[u8],
        from: &dyn fmt::Display,
    ) -> Option<ScrapeError> {
        let reads_samples = matches!(self.rules.check, Check::Ingest | Check::Strict);
        let may_be_binary = self.rules.format == FormatChoice::Protobuf;
        if start.first() != Some(&0) || !reads_samples || may_be_binary {
            return None;
        }
        let fault = check(start, &self.rules).err()?;
        Some(error_of(&fault, &from.to_string()))
    }

    /// Validates a body; a large one on the blocking pool. `from` names the source in errors.
    pub(crate) async fn validate(
        &self,
        body: Bytes,
        from: &str,
        blocking: &BlockingPool,
    ) -> ScrapeResult {
        if body.len() <= MAX_INLINE_BYTES {
            return self.validate_now(body, from);
        }
        let slot = Arc::clone(&self.blocking_slot).acquire_owned().await;
        let (validator, source) = (self.clone(), from);
        let from = from.to_owned();
        let span = Span::current();
        let validation = blocking.spawn(move || {
            // A panic is logged on this thread, within the span that names the selector.
            let _entered = span.enter();
            validator.faults.inject(FaultPoint::Validate);
            // Released when the validation ends, also if its scrape has timed out.
            let _slot = slot;
            validator.validate_now(body, &from)
        });
        match validation.await {
            Ok(result) => result,
            Err(error) => {
                let error = error.or_resume_panic();
                let message = format!("{source}: {error}");
                Err(ScrapeError::new(Reason::of_io(&error), message))
            }
        }
    }

    /// Validates a body on the current thread.
    pub(crate) fn validate_now(&self, body: Bytes, from: &str) -> ScrapeResult {
        let is_http = body.starts_with(HTTP);
        let invalid = |fault: Fault| match is_http {
            true => speaks_http(&fault, from),
            false => error_of(&fault, from),
        };
        let mut summary = check(&body, &self.rules).map_err(invalid)?;
        if matches!(self.rules.check, Check::Whole | Check::None) {
            // These checks do not parse the body.
            let missing_final_newline = summary.missing_final_newline;
            summary = Summary {
                missing_final_newline,
                ..summarize(&body, summary.format)
            };
        }
        let (body, summary) = match (self.timestamps, summary.newest_timestamp_ms) {
            (Timestamps::Reject, Some(newest)) => {
                let message = format!(
                    "{from}: samples have timestamps, the newest {newest} ms since the epoch \
                     (timestamps = \"reject\")"
                );
                return Err(ScrapeError::new(Reason::Timestamps, message));
            }
            (Timestamps::Strip, Some(_)) => strip(body, summary).map_err(invalid)?,
            (Timestamps::Keep, _) | (_, None) => (body, summary),
        };
        Ok(Exposition {
            body,
            summary,
            cached_at: None,
            compressed: Arc::default(),
            escaping: None,
            escaped: Arc::default(),
        })
    }
}

fn strip(body: Bytes, summary: Summary) -> Result<(Bytes, Summary), Fault> {
    let stripped = match strip_timestamps(&body, summary.format.choice())? {
        Cow::Borrowed(_) => None,
        Cow::Owned(stripped) => Some(Bytes::from(stripped)),
    };
    let summary = Summary {
        newest_timestamp_ms: None,
        ..summary
    };
    Ok((stripped.unwrap_or(body), summary))
}

fn error_of(fault: &Fault, from: &str) -> ScrapeError {
    let reason = match fault.kind {
        FaultKind::Empty => Reason::Empty,
        FaultKind::Truncated => Reason::Truncated,
        FaultKind::Malformed => Reason::Malformed,
    };
    let message = match fault.kind {
        FaultKind::Empty => format!("{from}: the body is empty (allow_empty = true accepts this)"),
        FaultKind::Truncated | FaultKind::Malformed => format!("{from}: {fault}"),
    };
    ScrapeError::new(reason, message)
}

/// The error of a body that is a response of HTTP.
fn speaks_http(fault: &Fault, from: &str) -> ScrapeError {
    let message = format!(
        "{from}: this daemon speaks HTTP, not only the exposition format; let Prometheus scrape it, or \
         write the body without HTTP"
    );
    ScrapeError::new(error_of(fault, from).reason, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use local_exporter_config::Check;

    #[test]
    fn a_daemon_that_speaks_http_is_reported_as_such() {
        let body = Bytes::from_static(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na 1\n");
        let error = Validator::new(BodyPolicy::default()).validate_now(body, "it");
        let error = error.unwrap_err();
        assert_eq!(error.reason, Reason::Malformed);
        assert!(error.message.starts_with("it: this daemon speaks HTTP, "));
    }

    fn validate(policy: BodyPolicy, body: &'static [u8]) -> Result<Bytes, Reason> {
        let result = Validator::new(policy).validate_now(Bytes::from_static(body), "it");
        result.map(|valid| valid.body).map_err(|error| error.reason)
    }

    #[test]
    fn faults_become_reasons() {
        let ingest = BodyPolicy::default();
        let strict = BodyPolicy {
            check: Check::Strict,
            ..ingest
        };
        let whole = BodyPolicy {
            check: Check::Whole,
            ..ingest
        };
        let none = BodyPolicy {
            check: Check::None,
            ..ingest
        };
        let empty = BodyPolicy {
            allow_empty: true,
            ..ingest
        };
        let cases: [(BodyPolicy, &[u8], Option<Reason>); 13] = [
            (ingest, b"a 1\n", None),
            (ingest, b"", Some(Reason::Empty)),
            (empty, b"", None),
            (ingest, b"a 1", Some(Reason::Truncated)),
            (ingest, b"a\n", Some(Reason::Malformed)),
            (ingest, b"{A}0\n", Some(Reason::Malformed)),
            (ingest, b"a 1\na 1\n", None),
            (strict, b"a 1\na 1\n", Some(Reason::Malformed)),
            (whole, b"no exposition at all\n", None),
            (whole, b"no exposition at all", Some(Reason::Truncated)),
            (whole, b"", Some(Reason::Empty)),
            (none, b"no exposition at all", None),
            (none, b"\xff\x00", None),
        ];
        for (policy, body, reason) in cases {
            let found = validate(policy, body).err();
            assert_eq!(found, reason, "{policy:?} {}", body.escape_ascii());
        }
    }

    #[test]
    fn timestamps_are_kept_stripped_or_rejected() {
        let policy = |timestamps| BodyPolicy {
            timestamps,
            ..BodyPolicy::default()
        };
        let dated = b"# HELP a 1 2\na{b=\"1 2\"} 1 1700000000000\nc 2\n";
        assert_eq!(
            validate(policy(Timestamps::Keep), dated).unwrap(),
            &dated[..]
        );
        assert_eq!(
            validate(policy(Timestamps::Reject), dated),
            Err(Reason::Timestamps)
        );
        let stripped = validate(policy(Timestamps::Strip), dated).unwrap();
        assert_eq!(stripped, "# HELP a 1 2\na{b=\"1 2\"} 1\nc 2\n");
        for timestamps in [Timestamps::Keep, Timestamps::Strip, Timestamps::Reject] {
            assert_eq!(validate(policy(timestamps), b"c 2\n").unwrap(), "c 2\n");
        }
    }

    #[test]
    fn bodies_that_are_not_parsed_are_summarized_all_the_same() {
        for check in [Check::Whole, Check::None] {
            let policy = BodyPolicy {
                check,
                ..BodyPolicy::default()
            };
            let validator = Validator::new(policy);
            let summary = |body: &'static [u8]| {
                validator
                    .validate_now(Bytes::from_static(body), "it")
                    .unwrap()
                    .summary
            };
            assert!(summary(b"{\"a.b\"} 1\n").quoted_names);
            assert!(!summary(b"a 1\n").quoted_names);
            assert!(!summary(b"nonsense\n").quoted_names);
        }
    }

    #[test]
    fn the_message_contains_line_column_and_text() {
        let error = Validator::new(BodyPolicy::default())
            .validate_now(Bytes::from_static(b"a 1\nb{c=\"d\"} x\n"), "/run/it")
            .unwrap_err();
        assert!(
            error.message.starts_with("/run/it: line 2, column 10: "),
            "{error}"
        );
        assert!(error.message.contains("`b{c=\"d\"} x`"), "{error}");
    }
}
