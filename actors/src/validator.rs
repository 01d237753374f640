//! The validator that every body passes: bytes in, an exposition on the selector's terms or an error out.
//!
//! Knows what was agreed (the body policy) and what the checker says; it may not
//! know where the bytes come from, and does no I/O.

use crate::faults::{FaultPoint, Faults};
use crate::reason::Reason;
use crate::rules::rules;
use crate::scrape::{Exposition, ScrapeError, ScrapeResult};
use bytes::Bytes;
use local_exporter_config::{BodyPolicy, Timestamps};
use local_exporter_exposition::{
    Check, Fault, FaultKind, FinalNewline, FormatChoice, Rules, Summary, check, strip_timestamps,
    summarize,
};
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tracing::Span;

/// Bodies larger than this are judged on the blocking pool: judging takes about
/// a millisecond for each MiB, for which no other selector should wait.
const MAX_INLINE_BYTES: usize = 256 * 1024;

/// What bodies of one source must be.
#[derive(Clone, Debug)]
pub(crate) struct Validator {
    rules: Rules,
    timestamps: Timestamps,
    /// One body at a time is judged on the blocking pool: whoever gave up on
    /// one leaves its judging behind, and no second one begins beside it.
    validating: Arc<Semaphore>,
    faults: Faults,
}

impl Validator {
    /// For answers that come whole or not at all.
    pub(crate) fn new(policy: BodyPolicy) -> Self {
        Self {
            rules: rules(policy, FinalNewline::Required),
            timestamps: policy.timestamps,
            validating: Arc::new(Semaphore::new(1)),
            faults: Faults::default(),
        }
    }

    /// Itself, failing as ordered.
    pub(crate) fn with_faults(mut self, faults: &Faults) -> Self {
        self.faults = faults.clone();
        self
    }

    /// For files, which people write by hand: one final newline may be missing.
    pub(crate) fn for_files(policy: BodyPolicy) -> Self {
        let mut validator = Self::new(policy);
        validator.rules.final_newline = FinalNewline::MayBeMissing;
        validator
    }

    /// For a file whose writer is at it still: what lacks its end is not whole.
    pub(crate) fn for_incomplete(&self) -> Self {
        let mut validator = self.clone();
        validator.rules.final_newline = FinalNewline::Required;
        validator
    }

    /// The format that bodies are expected in.
    pub(crate) fn format(&self) -> FormatChoice {
        self.rules.format
    }

    /// Judges a body; a large one on the blocking pool.
    pub(crate) async fn validate(&self, body: Bytes, from: &str) -> ScrapeResult {
        if body.len() <= MAX_INLINE_BYTES {
            return self.validate_now(body, from);
        }
        let place = Arc::clone(&self.validating).acquire_owned().await;
        let (validator, from) = (self.clone(), from.to_owned());
        let span = Span::current();
        let validating = tokio::task::spawn_blocking(move || {
            // A panic is logged where it is, and names the selector there.
            let _entered = span.enter();
            validator.faults.inject(FaultPoint::Validate);
            // Given back when the judging ends, not when nobody waits for it.
            let _place = place;
            validator.validate_now(body, &from)
        });
        match validating.await {
            Ok(answer) => answer,
            Err(error) => pass_on(error).await,
        }
    }

    /// Judges a body here and now.
    pub(crate) fn validate_now(&self, body: Bytes, from: &str) -> ScrapeResult {
        let refused = |fault: Fault| refusal(&fault, from);
        let mut summary = check(&body, &self.rules).map_err(refused)?;
        if matches!(self.rules.check, Check::Whole | Check::None) {
            let missing_final_newline = summary.missing_final_newline;
            summary = Summary {
                missing_final_newline,
                ..summarize(&body, summary.format)
            };
        }
        let (body, summary) = match (self.timestamps, summary.newest_timestamp_ms) {
            (Timestamps::Reject, Some(newest)) => {
                let message = format!(
                    "{from} has samples with timestamps, the newest of {newest} ms (timestamps = \"reject\")"
                );
                return Err(ScrapeError::new(Reason::Timestamps, message));
            }
            (Timestamps::Strip, Some(_)) => strip(body, summary).map_err(refused)?,
            (Timestamps::Keep, _) | (_, None) => (body, summary),
        };
        Ok(Exposition {
            body,
            summary,
            cached_at: None,
            compressed: Arc::default(),
        })
    }
}

/// A blocking task panicked: so does the actor, and begins anew. One that was
/// cancelled, at the end of the process, is not waited for by anybody.
pub(crate) async fn pass_on<T>(error: tokio::task::JoinError) -> T {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => std::future::pending().await,
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

fn refusal(fault: &Fault, from: &str) -> ScrapeError {
    let reason = match fault.kind {
        FaultKind::Empty => Reason::Empty,
        FaultKind::Truncated => Reason::Truncated,
        FaultKind::Malformed => Reason::Malformed,
    };
    let message = match fault.kind {
        FaultKind::Empty => {
            format!("{from} gave an empty answer (allow_empty = true lets that pass)")
        }
        FaultKind::Truncated | FaultKind::Malformed => format!("{from}: {fault}"),
    };
    ScrapeError::new(reason, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use local_exporter_config::Check;

    fn judge(policy: BodyPolicy, body: &'static [u8]) -> Result<Bytes, Reason> {
        let answer = Validator::new(policy).validate_now(Bytes::from_static(body), "it");
        answer.map(|good| good.body).map_err(|error| error.reason)
    }

    #[test]
    fn faults_become_reasons() {
        let terms = BodyPolicy::default();
        let strict = BodyPolicy {
            check: Check::Strict,
            ..terms
        };
        let whole = BodyPolicy {
            check: Check::Whole,
            ..terms
        };
        let none = BodyPolicy {
            check: Check::None,
            ..terms
        };
        let empty = BodyPolicy {
            allow_empty: true,
            ..terms
        };
        let cases: [(BodyPolicy, &[u8], Option<Reason>); 13] = [
            (terms, b"a 1\n", None),
            (terms, b"", Some(Reason::Empty)),
            (empty, b"", None),
            (terms, b"a 1", Some(Reason::Truncated)),
            (terms, b"a\n", Some(Reason::Malformed)),
            (terms, b"{A}0\n", Some(Reason::Malformed)),
            (terms, b"a 1\na 1\n", None),
            (strict, b"a 1\na 1\n", Some(Reason::Malformed)),
            (whole, b"no exposition at all\n", None),
            (whole, b"no exposition at all", Some(Reason::Truncated)),
            (whole, b"", Some(Reason::Empty)),
            (none, b"no exposition at all", None),
            (none, b"\xff\x00", None),
        ];
        for (policy, body, reason) in cases {
            let found = judge(policy, body).err();
            assert_eq!(found, reason, "{policy:?} {}", body.escape_ascii());
        }
    }

    #[test]
    fn timestamps_are_kept_stripped_or_rejected() {
        let terms = |timestamps| BodyPolicy {
            timestamps,
            ..BodyPolicy::default()
        };
        let dated = b"# HELP a 1 2\na{b=\"1 2\"} 1 1700000000000\nc 2\n";
        assert_eq!(judge(terms(Timestamps::Keep), dated).unwrap(), &dated[..]);
        assert_eq!(
            judge(terms(Timestamps::Reject), dated),
            Err(Reason::Timestamps)
        );
        let stripped = judge(terms(Timestamps::Strip), dated).unwrap();
        assert_eq!(stripped, "# HELP a 1 2\na{b=\"1 2\"} 1\nc 2\n");
        for timestamps in [Timestamps::Keep, Timestamps::Strip, Timestamps::Reject] {
            assert_eq!(judge(terms(timestamps), b"c 2\n").unwrap(), "c 2\n");
        }
    }

    #[test]
    fn unjudged_bodies_have_the_right_type_all_the_same() {
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
    fn the_sentence_names_line_column_and_text() {
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
