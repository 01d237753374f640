//! Keeps pieces of a body out of pages and the log if the selector has access rules of its own.
//!
//! A user who can see `/debug/actors` or the log may not have the token of the selector. Errors of a body repeat a
//! piece of it, so only the response to the scrape itself, which has passed the rules, has them in full.

use crate::reason::Reason;
use crate::report::{CacheReport, Failure, FileReport};
use crate::scrape::ScrapeError;
use local_exporter_config::Access;
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

/// The message in place of one that may repeat a piece of the body.
const OMITTED: &str = "the body is invalid; the details are omitted here because the selector has access \
                       rules of its own; a scrape shows them, and so does `local-exporter check`";

/// The message in place of a conflict between files or a duplicate, which repeat names of metrics.
const NAMES_OMITTED: &str = "omitted because the selector has access rules of its own";

/// Whether errors are disclosed in full. A reload may change it while the actor runs.
#[derive(Debug, Default)]
pub(crate) struct Disclosure {
    restricted: AtomicBool,
}

impl Disclosure {
    /// Follows the access rules of the selector from now on.
    pub(crate) fn follow(&self, access: &Access) {
        self.restricted
            .store(access.is_restricted(), Ordering::Relaxed);
    }

    /// Whether names of metrics are disclosed in the log.
    pub(crate) fn shows_names(&self) -> bool {
        !self.is_restricted()
    }

    fn is_restricted(&self) -> bool {
        self.restricted.load(Ordering::Relaxed)
    }

    /// The message of an error, for the log and for pages.
    pub(crate) fn message<'m>(&self, reason: Reason, message: &'m str) -> Cow<'m, str> {
        match self.is_restricted() && repeats_content(reason) {
            true => Cow::Borrowed(OMITTED),
            false => Cow::Borrowed(message),
        }
    }

    /// The latest error, for pages.
    pub(crate) fn failure(&self, failure: Failure) -> Failure {
        let Failure {
            reason,
            message,
            at,
        } = failure;
        let message = self.message(reason, &message).into_owned();
        Failure {
            reason,
            message,
            at,
        }
    }

    /// A report about files, for pages; `None` if it is disclosed as it is.
    pub(crate) fn report(&self, report: &CacheReport) -> Option<CacheReport> {
        if !self.is_restricted() {
            return None;
        }
        let file = |file: &FileReport| FileReport {
            error: file.error.as_ref().map(|error| ScrapeError {
                message: self.message(error.reason, &error.message).into_owned(),
                ..error.clone()
            }),
            ..file.clone()
        };
        let omitted = |messages: &[String]| vec![NAMES_OMITTED.to_owned(); messages.len()];
        Some(CacheReport {
            files: report.files.iter().map(file).collect(),
            conflicts: omitted(&report.conflicts),
            duplicates: omitted(&report.duplicates),
            ..report.clone()
        })
    }
}

/// Whether messages with this reason may repeat a piece of the body. The match has no default arm, so that
/// a new reason needs a decision to compile.
fn repeats_content(reason: Reason) -> bool {
    match reason {
        Reason::Truncated | Reason::Malformed => true,
        Reason::Absent
        | Reason::Refused
        | Reason::Denied
        | Reason::Timeout
        | Reason::Empty
        | Reason::TooLarge
        | Reason::Stale
        | Reason::Timestamps
        | Reason::Utf8Names
        | Reason::NotAcceptable
        | Reason::Unsuitable
        | Reason::Reset
        | Reason::Bus
        | Reason::Io
        | Reason::Crashed
        | Reason::Backoff
        | Reason::Overloaded => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn a_reload_changes_what_is_disclosed() {
        let disclosure = Disclosure::default();
        let message = |reason| disclosure.message(reason, "near `secret`").into_owned();
        assert_eq!(message(Reason::Malformed), "near `secret`");
        let restricted = Access {
            bearer_token_file: Some("/token".into()),
            ..Access::default()
        };
        disclosure.follow(&restricted);
        assert_eq!(message(Reason::Malformed), OMITTED);
        assert_eq!(message(Reason::Truncated), OMITTED);
        assert_eq!(message(Reason::Absent), "near `secret`");
        disclosure.follow(&Access::default());
        assert_eq!(message(Reason::Malformed), "near `secret`");
        let network = Access {
            allow_from: vec!["10.0.0.0/8".parse().unwrap()],
            ..Access::default()
        };
        disclosure.follow(&network);
        assert_eq!(message(Reason::Malformed), OMITTED);
    }
}
