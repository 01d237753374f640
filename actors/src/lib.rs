//! Selectors as supervised actors: a scrape goes in, a whole answer or an error comes out.
//!
//! This crate owns the sources and whatever can go wrong with them. It may not
//! know HTTP or TOML: it is handed settings and answers callers.
//!
//! # Layout
//!
//! - [`scrape`]: the protocol, with the closed set of reasons.
//! - [`registry`]: who there is, and the [`SelectorHandle`] to each.
//! - `selector`: the actor; `single_flight`: how its scrapes share a pull.
//! - `supervise`, `backoff`: keeping it going.
//! - `source`: the kinds, one file each; `validator`: what every body must pass.
//! - `rules`: the configuration's words for the checker's rules (the crate `local-exporter-exposition`).
//! - [`diagnose`]: what is wrong with a source, found without its actor.
//! - [`host`]: facts about paths, permissions, mounts and file systems.
//! - [`report`], `status`, [`metrics`]: what is known without asking the actor.

mod admission;
mod backoff;
mod blocking;
mod closed_set;
pub mod diagnose;
mod faults;
pub mod host;
mod lock;
pub mod metrics;
#[cfg(test)]
mod paused;
mod reason;
pub mod registry;
pub mod report;
mod rules;
pub mod scrape;
mod selector;
mod single_flight;
pub mod source;
mod status;
mod supervise;
mod validator;

pub use admission::GlobalLimit;
pub use metrics::Metrics;
pub use reason::Reason;
pub use registry::{
    ActorThreads, Changes, Reconciliation, Registry, SelectorHandle, ThreadHandles,
};
pub use scrape::{Exposition, Names, ScrapeError, ScrapeResult};
