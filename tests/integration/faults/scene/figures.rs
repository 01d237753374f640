//! The figures of a fault: what came of it, and what the process held before and after.

use super::Expected;
use crate::support::Exporter;
use std::fmt;
use std::time::Duration;

/// Descriptors that come and go without any fault: the connections of the client that looks. With
/// more room than that, a fault that leaves a descriptor would not be seen.
const DESCRIPTOR_SLACK: usize = 2;
/// Threads that come and go without any fault: those that wait for work on files, for ten seconds.
const THREAD_SLACK: usize = 4;
/// What an allocator keeps of a few requests, in bytes: one MiB is seen, also of replies of 64.
const MEMORY_SLACK: usize = 8 << 20;

/// What came of a fault, for its line of figures.
#[derive(Debug)]
pub struct Outcome {
    status: u16,
    reason: &'static str,
    took: Duration,
}

impl Outcome {
    pub fn of(expected: Expected, took: Duration) -> Self {
        Self {
            status: expected.status,
            reason: expected.reason,
            took,
        }
    }

    /// All answers were good; the slowest took so long.
    pub fn good(took: Duration) -> Self {
        Self {
            status: 200,
            reason: "-",
            took,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            reason,
            took,
        } = self;
        write!(out, "{status} | {reason} | {took:.1?}")
    }
}

/// What the process holds.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    descriptors: usize,
    threads: usize,
    resident: usize,
}

impl Level {
    /// As the process sees itself, wherever it is.
    pub fn of(exporter: &Exporter) -> Self {
        let figure = |name: &str| {
            let value = exporter.metric(name).unwrap_or_default();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "counts and bytes"
            )]
            let value = value as usize;
            value
        };
        Self {
            descriptors: figure("process_open_fds"),
            threads: figure("process_threads"),
            resident: figure("process_resident_memory_bytes"),
        }
    }

    /// Whether there is no more than before, but for descriptors that had to come.
    pub fn is_level_with(&self, before: &Self, brought: usize) -> bool {
        self.descriptors <= before.descriptors + brought + DESCRIPTOR_SLACK
            && self.threads <= before.threads + THREAD_SLACK
            && self.resident <= before.resident + MEMORY_SLACK
    }
}

impl fmt::Display for Level {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            descriptors,
            threads,
            resident,
        } = self;
        let resident = resident >> 20;
        write!(out, "{descriptors}, {threads}, {resident} MiB")
    }
}
