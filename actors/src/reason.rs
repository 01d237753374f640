//! The reasons for which a scrape fails: a closed set, used alike in responses, labels and pages.
//!
//! The HTTP status of a reason is decided by the HTTP server, not here.

use crate::blocking::TaskError;
use crate::closed_set::closed_set;
use std::io;

closed_set! {
    /// Why a scrape failed.
    pub enum Reason {
        Absent = "absent",
            "The file, socket or directory does not exist, no file matches, or no process owns the bus name.";
        Refused = "refused",
            "No process listens on the socket, or the daemon returned a D-Bus error.";
        Denied = "denied",
            "A file permission, a security module, a bus policy or the authentication denies access.";
        Timeout = "timeout",
            "The body was not complete at the deadline.";
        Empty = "empty",
            "The body has zero bytes.";
        TooLarge = "too_large",
            "The body is larger than `max_bytes`, or the source has too many files.";
        Truncated = "truncated",
            "The body ends before it is complete.";
        Malformed = "malformed",
            "The body violates its exposition format or the selector's `check`.";
        Stale = "stale",
            "A file was not modified for longer than `max_age`.";
        Timestamps = "timestamps",
            "The body has samples with timestamps, and `timestamps` is `reject`.";
        Utf8Names = "utf8_names",
            "The body has quoted names, and the scraper did not announce that it supports them.";
        NotAcceptable = "not_acceptable",
            "The body is protobuf, and the scraper did not ask for this format.";
        Unsuitable = "unsuitable",
            "The path has the wrong file type, such as a FIFO instead of a regular file.";
        Reset = "reset",
            "The connection broke before the body was complete.";
        Bus = "bus",
            "The message bus cannot be reached, or its connection broke during the call.";
        Io = "io",
            "The operating system reported another error.";
        Crashed = "crashed",
            "The exporter failed during this scrape.";
        Backoff = "backoff",
            "The exporter failed shortly before, and the selector restarts after a delay.";
        Overloaded = "overloaded",
            "The selector or the exporter has as many scrapes in progress as its limit allows, or the system refuses a thread.";
    }
}

impl Reason {
    /// The reason for an error of the operating system.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        use io::ErrorKind;
        if error
            .get_ref()
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<TaskError>)
        {
            return Self::Overloaded;
        }
        match error.kind() {
            // ENOTDIR: a component of the path is a file, so the path cannot exist.
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::Absent,
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::PermissionDenied => Self::Denied,
            ErrorKind::TimedOut => Self::Timeout,
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                Self::Reset
            }
            _ => Self::Io,
        }
    }
}
