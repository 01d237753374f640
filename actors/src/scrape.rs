//! The protocol between a caller and a selector's actor: message, result and error.
//!
//! A scrape returns a complete body or an error, never a part of a body. This module must not
//! depend on a kind of source or on HTTP.

use crate::admission::Permit;
use crate::blocking::BlockingPool;
use crate::escaped_form::EscapedForm;
use crate::reason::Reason;
use actix::Message;
use bytes::Bytes;
use local_exporter_config::{BodyPolicy, Check, Escaping, shown};
use local_exporter_exposition::{EscapingScheme, Format, Summary};
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
    /// The scheme in which names were converted for this scraper; `None` for the original body.
    pub escaping: Option<EscapingScheme>,
    /// The body with converted names, shared like the compressed one.
    pub(crate) escaped: Arc<EscapedForm>,
}

/// The names of metrics and labels that a scraper supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*` for metrics, and the same without colons for labels. Other
    /// names are converted in this scheme.
    Escaped(EscapingScheme),
    /// Any UTF-8, in quotes.
    Utf8,
}

/// The bodies that a scraper supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The names of metrics and labels.
    pub names: Names,
    /// Whether it supports protobuf.
    pub protobuf: Protobuf,
}

/// Whether a scraper supports protobuf. Those that do not would read it as text, some without an
/// error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protobuf {
    /// It asks for this format.
    Requested,
    /// It does not ask for it.
    NotRequested,
}

impl Accepted {
    /// Every body, unchanged.
    pub const EVERYTHING: Self = Self {
        names: Names::Utf8,
        protobuf: Protobuf::Requested,
    };
}

impl Exposition {
    /// The Content-Type to serve the body with.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self.escaping {
            Some(scheme) => scheme.content_type(self.summary.format),
            None => self.summary.content_type(),
        }
    }

    /// Whether the scraper does not support the body as it is.
    pub(crate) fn must_be_adapted(&self, accepted: Accepted) -> bool {
        let is_protobuf = self.summary.format == Format::Protobuf;
        is_protobuf && accepted.protobuf == Protobuf::NotRequested
            || accepted.names != Names::Utf8 && self.has_quoted_names()
    }

    fn has_quoted_names(&self) -> bool {
        self.summary.needs_utf8 || self.summary.quoted_names
    }

    /// Returns the body in a form that the scraper supports.
    ///
    /// # Errors
    /// If the scraper does not support the format, `policy` refuses a conversion, or the body cannot
    /// be converted.
    pub(crate) async fn for_scraper(
        self,
        accepted: Accepted,
        policy: BodyPolicy,
        blocking: &BlockingPool,
    ) -> ScrapeResult {
        if self.summary.format == Format::Protobuf && accepted.protobuf == Protobuf::NotRequested {
            let message = "the body is protobuf, and the scraper did not ask for it \
                           (application/vnd.google.protobuf in Accept)";
            return Err(ScrapeError::new(Reason::NotAcceptable, message));
        }
        let scheme = match accepted.names {
            Names::Escaped(scheme) if self.has_quoted_names() => scheme,
            Names::Escaped(_) | Names::Utf8 => return Ok(self),
        };
        let refused = match (policy.escaping, policy.check) {
            (Escaping::Refuse, _) => Some("escaping = \"refuse\""),
            (Escaping::Convert, Check::Whole) => Some("check = \"whole\" does not read names"),
            (Escaping::Convert, Check::None) => Some("check = \"none\" does not read names"),
            (Escaping::Convert, Check::Ingest | Check::Strict) => None,
        };
        if let Some(why) = refused {
            return Err(Self::quoted_names(why));
        }
        let format = self.summary.format;
        let converted = self.escaped.of(&self.body, format, scheme, blocking).await;
        let converted = converted.map_err(|why| Self::quoted_names(&why))?;
        Ok(Self {
            body: converted.body,
            compressed: converted.compressed,
            escaping: Some(scheme),
            ..self
        })
    }

    fn quoted_names(why: &str) -> ScrapeError {
        let message = format!(
            "the body has quoted names, and the scraper did not announce that it supports them \
             (escaping=allow-utf-8 in Accept); they are not converted: {why}"
        );
        ScrapeError::new(Reason::Utf8Names, message)
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
