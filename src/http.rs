//! HTTP: listeners, connections, TLS, access, bodies, compression and replies.
//!
//! Knows how requests arrive and how responses leave, not what a URL means.

pub(crate) mod access;
pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod connections;
pub(crate) mod file_backed;
pub(crate) mod gzip;
pub(crate) mod listen;
pub(crate) mod reply;
pub(crate) mod server;
pub(crate) mod web_config;
