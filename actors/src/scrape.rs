//! The protocol between a caller and a selector's actor: message, result and error.
//!
//! A scrape returns a complete body or an error, never a part of a body. This module must not
//! depend on a kind of source or on HTTP.

use crate::admission::Permit;
use crate::reason::Reason;
use actix::Message;
use bytes::Bytes;
use local_exporter_config::shown;
use local_exporter_exposition::Summary;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OnceCell, oneshot};
use tokio::time::Instant;

/// The result of a scrape.
pub type ScrapeResult = Result<Exposition, ScrapeError>;

/// The message to a selector's actor: a scrape with its deadline.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) deadline: Instant,
    /// Held while the actor works on this scrape, also after the caller has disconnected.
    pub(crate) permit: Permit,
    pub(crate) caller: Caller,
}

impl Message for Scrape {
    type Result = ScrapeResult;
}

/// The actor's view of a caller: whether it still waits for the result.
#[derive(Debug)]
pub(crate) struct Caller(oneshot::Receiver<Infallible>);

/// Held by a caller while it waits for the result.
#[derive(Debug)]
pub(crate) struct CallerGuard(
    #[expect(dead_code, reason = "only its drop matters")] oneshot::Sender<Infallible>,
);

impl Caller {
    /// A caller that is connected until the guard is dropped.
    pub(crate) fn connected() -> (Self, CallerGuard) {
        let (sender, receiver) = oneshot::channel();
        (Self(receiver), CallerGuard(sender))
    }

    /// Resolves when the caller no longer waits.
    pub(crate) async fn disconnected(self) {
        let _ = self.0.await;
    }
}

/// A validated body: the bytes of the source, unless files were joined or timestamps stripped.
#[derive(Clone, Debug)]
pub struct Exposition {
    /// The bytes, shared by all callers that get them.
    pub body: Bytes,
    /// Format, counts and properties of the body.
    pub summary: Summary,
    /// When a cached body was last known to be current; `None` for a body just read.
    pub cached_at: Option<Instant>,
    /// The compressed body. The first caller that needs it fills it; all callers share it.
    pub compressed: Arc<OnceCell<Bytes>>,
}

/// The names of metrics and labels that a scraper supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    Legacy,
    /// Any UTF-8, in quotes.
    Utf8,
}

impl Exposition {
    /// Returns the body unless it has names that the scraper does not support.
    pub(crate) fn for_names(self, names: Names) -> ScrapeResult {
        let quoted = self.summary.needs_utf8 || self.summary.quoted_names;
        if quoted && names == Names::Legacy {
            let message = "the body has quoted names, and the scraper did not announce that it \
                           supports them (escaping=allow-utf-8 in Accept)";
            return Err(ScrapeError::new(Reason::Utf8Names, message));
        }
        Ok(self)
    }
}

/// Why a scrape failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeError {
    /// The reason, suitable as the value of a label.
    pub reason: Reason,
    /// What was attempted and how it failed. Contains no text from a request.
    pub message: String,
    /// When another scrape can succeed, if known.
    pub retry_after: Option<Duration>,
}

impl ScrapeError {
    /// A failed scrape. Characters of `message` that control a terminal are escaped, whatever text it
    /// repeats.
    pub(crate) fn new(reason: Reason, message: impl AsRef<str>) -> Self {
        Self {
            reason,
            message: shown(message.as_ref()).to_string(),
            retry_after: None,
        }
    }

    /// A source that missed the deadline; `waiting_for` is appended to the message.
    pub(crate) fn timeout(source: &str, waiting_for: &str) -> Self {
        let message = format!("{source} did not complete before the deadline{waiting_for}");
        Self::new(Reason::Timeout, message)
    }

    /// An actor that blocks its thread.
    pub(crate) fn stuck() -> Self {
        let message = "the actor is stuck in code that does not return";
        Self::new(Reason::Timeout, message)
    }

    /// A client that did not wait for the result.
    pub(crate) fn disconnected() -> Self {
        let message = "the client disconnected before the scrape was complete";
        Self::new(Reason::Timeout, message)
    }

    /// A body larger than `max_bytes`.
    pub(crate) fn too_large(source: &dyn fmt::Display, max_bytes: usize) -> Self {
        let message = format!("{source}: the body is larger than max_bytes = {max_bytes}");
        Self::new(Reason::TooLarge, message)
    }
}

impl fmt::Display for ScrapeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for ScrapeError {}
