//! The fuzz targets: one module for each, with a function `run` that takes an input and panics if a rule is broken.
//!
//! The programs in `fuzz_targets/` run these functions under libFuzzer. A test runs them on the inputs in
//! `corpus/`, so that every `cargo test` covers those without libFuzzer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a panic is how a fuzz target reports a fault"
)]

pub mod configuration;
pub mod dbus_reply;
pub mod query;
