//! Why the names of a body cannot be escaped.

use crate::fault::{Fault, RawFault};
use std::error::Error;
use std::fmt;

/// Why the names of a body cannot be escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EscapingError {
    /// Two different names would become the same one. Each is shortened, and safe to display.
    Collision {
        /// One name.
        first: String,
        /// The other name.
        second: String,
        /// What both would become.
        escaped: String,
    },
    /// The body is protobuf, in which names are not quoted, or it has a line that cannot be written without quotes.
    Unsupported(&'static str),
    /// Prometheus would refuse the body.
    Invalid(Fault),
}

impl fmt::Display for EscapingError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Collision {
                first,
                second,
                escaped,
            } => write!(
                formatter,
                "the names `{first}` and `{second}` would both become `{escaped}`"
            ),
            Self::Unsupported(why) => formatter.write_str(why),
            Self::Invalid(fault) => fault.fmt(formatter),
        }
    }
}

impl Error for EscapingError {}

/// An error while a body is read: a fault lacks its excerpt.
#[derive(Debug)]
pub(super) enum RawError {
    Fault(RawFault),
    Other(EscapingError),
}

impl RawError {
    /// The error about `body`.
    pub(super) fn complete(self, body: &[u8]) -> EscapingError {
        match self {
            Self::Fault(fault) => EscapingError::Invalid(fault.into_fault(body)),
            Self::Other(error) => error,
        }
    }
}

impl From<RawFault> for RawError {
    fn from(fault: RawFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<EscapingError> for RawError {
    fn from(error: EscapingError) -> Self {
        Self::Other(error)
    }
}
