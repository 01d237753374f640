//! The HTTP side of local-exporter: requests in, scrapes of selectors out.
//!
//! Joins the settings from `local-exporter-config` with the selectors from
//! `local-exporter-actors`. It does not know how a source works, and it holds no
//! global state: [`serve::run`] receives everything it needs.
//!
//! - [`command`]: the command line.
//! - [`serve`]: starts, runs and stops the exporter; [`exporter`]: the state that requests share.
//! - [`http`]: listeners, connections, TLS, access, bodies, compression, replies.
//! - [`pages`]: one file for each URL.
//! - [`reload`]: replaces the configuration while the exporter runs; [`phase`]: its phase.
//! - [`process`]: confinement, the service manager, logging, descriptors.
//! - [`metrics`]: the exporter's own metric families; [`limits`]: the limits that clients can meet.

pub mod command;
pub mod exporter;
pub mod http;
pub mod limits;
pub mod metrics;
pub mod pages;
pub mod phase;
pub mod process;
pub mod reload;
pub mod serve;
