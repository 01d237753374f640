//! The whole protocol between a caller and a selector: message, answer, error.
//!
//! Answers are whole or they are errors. Nothing here may name a kind of
//! source, or know what HTTP makes of an error.

use crate::admission::Permit;
use crate::reason::Reason;
use actix::Message;
use bytes::Bytes;
use local_exporter_exposition::Summary;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OnceCell, oneshot};
use tokio::time::Instant;

/// What a scrape comes to.
pub type ScrapeResult = Result<Exposition, ScrapeError>;

/// The message to a selector's actor: one scrape, answered by `deadline`.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) deadline: Instant,
    /// Held for as long as the actor works on this scrape, whoever still waits for it.
    pub(crate) permit: Permit,
    /// Whoever asked, for as long as it waits.
    pub(crate) caller: Caller,
}

/// Tells whether a caller still waits for its answer.
#[derive(Debug)]
pub(crate) struct Caller(oneshot::Receiver<Infallible>);

/// Held by a caller that waits; dropped with it, also when it gives up early.
#[derive(Debug)]
pub(crate) struct CallerGuard(
    #[expect(dead_code, reason = "what counts is its end")] oneshot::Sender<Infallible>,
);

impl Caller {
    /// One that waits until the second value is dropped.
    pub(crate) fn connected() -> (Self, CallerGuard) {
        let (end, caller) = oneshot::channel();
        (Self(caller), CallerGuard(end))
    }

    /// Resolves when nobody waits any more.
    pub(crate) async fn disconnected(self) {
        let _ = self.0.await;
    }
}

impl Message for Scrape {
    type Result = ScrapeResult;
}

/// A whole body: exactly as the source gave it, unless files were joined or timestamps stripped.
#[derive(Clone, Debug)]
pub struct Exposition {
    /// The bytes, shared by all who are answered with them.
    pub body: Bytes,
    /// What they are.
    pub summary: Summary,
    /// When a cached body was last known to be what the source holds; `None` for a fresh one.
    pub cached_at: Option<Instant>,
    /// A smaller form of the body, made by the first caller that wants it and
    /// shared, like the body, by all who are answered with it.
    pub compressed: Arc<OnceCell<Bytes>>,
}

/// Which names of metrics and labels a scraper can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*` alone.
    Legacy,
    /// Any UTF-8, written in quotes.
    Utf8,
}

impl Exposition {
    /// Itself, where the scraper can read the names in it.
    pub(crate) fn for_names(self, names: Names) -> ScrapeResult {
        let quoted = self.summary.needs_utf8 || self.summary.quoted_names;
        if quoted && names == Names::Legacy {
            let message = "the answer has names in quotes, and the scraper did not say that it \
                           reads them (escaping=allow-utf-8 in Accept)";
            return Err(ScrapeError::new(Reason::Utf8Names, message));
        }
        Ok(self)
    }
}

/// Why a scrape failed: a reason from a closed set, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeError {
    /// The class, fit for a label.
    pub reason: Reason,
    /// What was tried and what came of it; never from a request.
    pub message: String,
    /// When asking again makes sense, where that is known.
    pub retry_after: Option<Duration>,
}

impl ScrapeError {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            retry_after: None,
        }
    }

    /// A source that had not answered by the deadline; `waiting_for` ends the sentence.
    pub(crate) fn timeout(source: &str, waiting_for: &str) -> Self {
        let message = format!("{source} had not answered by the deadline{waiting_for}");
        Self::new(Reason::Timeout, message)
    }

    /// A body past its cap.
    pub(crate) fn too_large(source: &dyn fmt::Display, max_bytes: usize) -> Self {
        let message = format!("{source} gave more than max_bytes = {max_bytes}");
        Self::new(Reason::TooLarge, message)
    }
}

impl fmt::Display for ScrapeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for ScrapeError {}
