//! Selectors as supervised actors: each scrape returns a complete body or an error.
//!
//! This crate owns the sources and everything that can fail in them. It must not depend on HTTP
//! or TOML: it receives settings and returns results.
//!
//! # Layers
//!
//! From top to bottom; `ARCHITECTURE.md` has the exact drawing, and a test compares it with the imports.
//!
//! - [`registry`]: the selectors, a [`SelectorHandle`] for each, and the threads of their actors.
//! - `selector`, `supervise`: the actor of a selector, and its restarts.
//! - `single_flight`: concurrent scrapes share one pull.
//! - [`diagnose`]: finds out what is wrong with a source, without its actor.
//! - [`source`]: the kinds of source, one module each.
//! - `validator`, `rules`: what every body must satisfy.
//! - `status`, `disclosure`, [`metrics`], [`report`]: what is known about a selector without its actor,
//!   and what of it pages and the log show.
//! - [`scrape`], `admission`, `escaped_form`, `reason`: the protocol of a scrape.
//! - [`host`]: facts about paths, permissions, mounts and file systems.
//! - `blocking`: the threads for work that blocks.
//! - `backoff`, `faults`, `closed_set`, `lock`, [`log_limit`]: small helpers.

mod admission;
mod backoff;
mod blocking;
mod closed_set;
pub mod diagnose;
mod disclosure;
mod escaped_form;
mod faults;
pub mod host;
mod lock;
pub mod log_limit;
pub mod metrics;
#[cfg(test)]
mod paused;
mod reason;
pub mod registry;
pub mod report;
mod rules;
pub mod scrape;
mod secret_files;
mod selector;
mod shared;
mod single_flight;
pub mod source;
mod status;
mod supervise;
mod validator;

pub use admission::{GUARANTEED, GlobalLimit};
pub use blocking::{BlockingPool, BlockingTask, TaskError, cannot_start, check_threads};
pub use metrics::Metrics;
pub use reason::Reason;
pub use registry::{
    ActorThreads, Changes, Reconciliation, Registry, SelectorHandle, ThreadHandles,
};
pub use scrape::{Accepted, Exposition, Names, Protobuf, ScrapeError, ScrapeResult};
pub use secret_files::{ListFiles, SecretFiles};
