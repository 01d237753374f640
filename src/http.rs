//! HTTP: listeners, connections, TLS, access control, bodies, compression and error responses.
//!
//! Knows how requests arrive and how responses leave, but not what a URL means.
//!
//! Layers, each using only those before it:
//! 1. [`client`], [`reply`], [`body`], [`digest`], [`file_backed`]: no state of the server.
//! 2. [`listen`], [`connections`], [`gzip`], [`web_config`]: each one a subject of its own.
//! 3. [`access`]: decides about requests, by the web configuration and the access settings;
//!    [`rendered`]: pages that clients share.
//! 4. [`server`]: joins them and serves the pages that it is given.

pub(crate) mod access;
pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod connections;
pub(crate) mod digest;
pub(crate) mod file_backed;
pub(crate) mod gzip;
pub(crate) mod listen;
pub(crate) mod rendered;
pub(crate) mod reply;
pub(crate) mod server;
pub(crate) mod web_config;
