//! The reasons for which a scrape fails: a closed set, used alike in bodies, labels and pages.
//!
//! The HTTP status of each reason is decided by the HTTP server, not here.

use std::fmt;

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
    /// An answer that stops before its end.
    Truncated,
    /// An answer that is not what it should be.
    Malformed,
    /// A file that was not modified for too long.
    Stale,
    /// An answer with timestamps where none are wanted.
    Timestamps,
    /// An answer with names that the scraper cannot read.
    Utf8Names,
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
    Backoff,
    /// Too many scrapes wait for this selector already.
    Overloaded,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Absent,
        Self::Refused,
        Self::Denied,
        Self::Timeout,
        Self::Empty,
        Self::TooLarge,
        Self::Truncated,
        Self::Malformed,
        Self::Stale,
        Self::Timestamps,
        Self::Utf8Names,
        Self::Unsuitable,
        Self::Reset,
        Self::Bus,
        Self::Io,
        Self::Crashed,
        Self::Backoff,
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
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::Timestamps => "timestamps",
            Self::Utf8Names => "utf8_names",
            Self::Unsuitable => "unsuitable",
            Self::Reset => "reset",
            Self::Bus => "bus",
            Self::Io => "io",
            Self::Crashed => "crashed",
            Self::Backoff => "backoff",
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
