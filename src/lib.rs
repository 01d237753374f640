//! The program: the command line, the HTTP server and its pages, reloads, and the process.
//!
//! Joins the settings from `local-exporter-config` with the selectors from
//! `local-exporter-actors`. It does not know how a source works, and it holds no
//! global state: `run` receives everything it needs.
//!
//! - `command`: the command line.
//! - `serve`: starts, runs and stops the exporter; `exporter`: the state that requests share.
//! - `http`: listeners, connections, TLS, access, bodies, compression, replies.
//! - `pages`: one file for each URL.
//! - `reloader`: requests for reloads; `reload`: replaces the configuration while the exporter runs;
//!   `phase`: its phase.
//! - `process`: confinement, the service manager, logging, descriptors.
//! - `metrics`: the exporter's own metric families; `limits`: the limits that clients can meet.
//!
//! The modules are private. The re-exports below are what the program, the tests, the benchmarks
//! and the demo use.

mod command;
mod exporter;
mod http;
mod limits;
mod metrics;
mod pages;
mod phase;
mod process;
mod reload;
mod reloader;
mod serve;

pub use command::Command;
pub use http::gzip::Compressors;
pub use http::listen::{Listener, bind};
pub use limits::Rejection;
pub use pages::bridge::{ResponseForm, SCRAPE_TIMEOUT_HEADER, ScrapeRequest, accepted};
pub use pages::endpoints::{ENDPOINTS, Endpoint, Methods, Page};
pub use process::allocator::return_freed_memory;
pub use process::logging::{
    FlushLog, Log, Mode as LoggingMode, Options as LoggingOptions, start as start_logging,
};
pub use reloader::Reloader;
pub use serve::{Start, run};
