//! The whole protocol between a caller and a selector: message, answer, error.
//!
//! Answers are whole or they are errors. Nothing here may name a kind of
//! source, or know what HTTP makes of an error.

use crate::status::Permit;
use actix::Message;
use bytes::Bytes;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// What a scrape comes to.
pub type Answer = Result<Exposition, ScrapeError>;

/// The message to a selector's actor: one scrape, answered by `deadline`.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) deadline: Instant,
    /// Held for as long as the actor works on this scrape, whoever still waits for it.
    pub(crate) permit: Permit,
}

impl Message for Scrape {
    type Result = Answer;
}

/// A whole body, exactly as the source gave it.
#[derive(Clone, Debug)]
pub struct Exposition {
    /// The bytes, shared and never changed.
    pub body: Bytes,
    /// What they are.
    pub format: Format,
    /// When a cached body was last known to be what the source holds; `None` for a fresh one.
    pub cached_at: Option<Instant>,
}

/// The format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format of a body: OpenMetrics must end with the line `# EOF`
    /// (OpenMetrics 1.0, "EOF"), its newline being optional; all else is text.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        match body.strip_suffix(b"# EOF") {
            Some(before) if before.is_empty() || before.ends_with(b"\n") => Self::OpenMetrics,
            _ => Self::Text,
        }
    }
}

impl Exposition {
    /// A body just taken from its source.
    ///
    /// # Errors
    /// `empty` for a body of no bytes: a scraper would take it for a success.
    pub(crate) fn fresh(body: Bytes, from: &dyn fmt::Display) -> Answer {
        if body.is_empty() {
            let message = format!("{from} gave an empty answer");
            return Err(ScrapeError::new(Reason::Empty, message));
        }
        Ok(Self {
            format: Format::of(&body),
            body,
            cached_at: None,
        })
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

    /// A source that had not answered by the deadline.
    pub(crate) fn timeout(source: &str) -> Self {
        Self::new(
            Reason::Timeout,
            format!("{source} had not answered by the deadline"),
        )
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

/// Why a scrape failed, as a closed set used alike in bodies, labels and pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing is there: no file, no socket, no such name on the bus.
    Absent,
    /// Something is there and says no: nobody listens, or the daemon answered with an error.
    Refused,
    /// The exporter may not: permissions, authentication, a bus policy.
    Denied,
    /// Not done by the deadline.
    Timeout,
    /// An answer of no bytes.
    Empty,
    /// An answer past `max_bytes`.
    TooLarge,
    /// An answer that is not what it should be.
    Malformed,
    /// What is there is of the wrong kind: a FIFO for a file, a file for a socket.
    Unsuitable,
    /// The connection broke in the middle of an answer.
    Reset,
    /// The message bus is not to be reached, or broke.
    Bus,
    /// The operating system failed in another way.
    Io,
    /// The selector's actor failed while it worked on this scrape.
    Crashed,
    /// The selector's actor failed a moment ago and rests before it starts again.
    Resting,
    /// Too many scrapes wait for this selector already.
    Overloaded,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Absent,
        Self::Refused,
        Self::Denied,
        Self::Timeout,
        Self::Empty,
        Self::TooLarge,
        Self::Malformed,
        Self::Unsuitable,
        Self::Reset,
        Self::Bus,
        Self::Io,
        Self::Crashed,
        Self::Resting,
        Self::Overloaded,
    ];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Timeout => "timeout",
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Unsuitable => "unsuitable",
            Self::Reset => "reset",
            Self::Bus => "bus",
            Self::Io => "io",
            Self::Crashed => "crashed",
            Self::Resting => "resting",
            Self::Overloaded => "overloaded",
        }
    }

    /// The class of an error of the operating system.
    pub(crate) fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            // ENOTDIR: part of the path is a file, so what the path names cannot be there.
            Kind::NotFound | Kind::NotADirectory => Self::Absent,
            Kind::ConnectionRefused => Self::Refused,
            Kind::PermissionDenied => Self::Denied,
            Kind::TimedOut => Self::Timeout,
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => Self::Reset,
            _ => Self::Io,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn only_a_last_line_eof_makes_openmetrics() {
        let cases: [(&[u8], Format); 8] = [
            (b"a 1\n# EOF\n", Format::OpenMetrics),
            (b"a 1\n# EOF", Format::OpenMetrics),
            (b"# EOF\n", Format::OpenMetrics),
            (b"a 1\n# EOF\n\n", Format::Text),
            (b"a 1\n# EOF\nb 1\n", Format::Text),
            (b"a 1\nb# EOF\n", Format::Text),
            (b"a 1\n", Format::Text),
            (b"", Format::Text),
        ];
        for (body, format) in cases {
            assert_eq!(Format::of(body), format, "{body:?}");
        }
    }
}
