//! Tests of the real program with real daemons and real clients.
//!
//! One binary, so that it is linked once. Each file begins with the rules that it tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test that cannot go on has failed"
)]

mod architecture;
mod bodies;
mod book;
mod booted;
mod bridge;
mod check;
mod clients;
mod command;
mod confinement;
mod corpus;
mod dbus;
mod debug_scrape;
mod deploy;
mod discovery;
mod doubling;
mod endpoints;
mod faults;
mod file;
mod files;
mod gzip;
mod host;
mod leaks;
mod listeners;
mod logs;
mod memory;
mod namespaces;
mod panics;
mod prometheus;
mod readme;
mod reload;
mod serving;
mod stop;
mod support;
mod systemd;
mod threads;
mod uds;
mod unprivileged;
mod web_config;
