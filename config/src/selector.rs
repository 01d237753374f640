//! A selector: a name, a source of one of the kinds, and the settings that all kinds share.
//!
//! How selectors are read and written is in the modules below. Nothing here opens a source.

mod common;
mod discovery;
mod limits;
mod read;
mod write;

pub(crate) use common::Defaults;
pub use discovery::Discovery;
pub use limits::Limits;

use crate::access::Access;
use crate::body_policy::BodyPolicy;
use crate::kind::Source;

/// One selector: the settings behind `/bridge?selector=NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The name: unique, not empty, without control characters.
    pub name: String,
    /// How its metrics are obtained.
    pub source: Source,
    /// Time, size, concurrency and the age of what is cached.
    pub limits: Limits,
    /// The requirements that its bodies must meet.
    pub body_policy: BodyPolicy,
    /// Access control, in addition to that of the service.
    pub access: Access,
    /// Settings for service discovery.
    pub discovery: Discovery,
}
