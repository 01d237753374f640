//! Tests of the public interface. One binary: a file for each concern.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot continue fails"
)]

mod corpus;
mod doubling;
mod ingest;
mod listing;
mod properties;
mod strict;
mod truncation;

use local_exporter_exposition::{Check, FormatChoice, Rules};

/// The default rules with this level and this format.
fn rules(check: Check, format: FormatChoice) -> Rules {
    Rules {
        check,
        format,
        ..Rules::default()
    }
}
