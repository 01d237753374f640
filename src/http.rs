//! HTTP: listeners, connections, TLS, access, bodies, compression and replies.
//!
//! Knows how requests arrive and how responses leave, not what a URL means.

pub mod access;
pub mod body;
pub mod client;
pub mod connections;
pub mod gzip;
pub mod listen;
pub mod reply;
pub mod server;
pub mod web_config;
