//! The program as its users meet it: the real binary, real daemons, real clients.
//!
//! One binary, to link once. Each file begins with what it proves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test that cannot go on has failed"
)]

mod answers;
mod architecture;
mod bridge;
mod clients;
mod command;
mod confinement;
mod corpus;
mod dbus;
mod deploy;
mod endpoints;
mod file;
mod files;
mod gzip;
mod host;
mod leaks;
mod prometheus;
mod support;
mod uds;
mod unprivileged;
