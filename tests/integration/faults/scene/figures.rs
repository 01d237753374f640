//! The figures of a fault: the response, and the resources of the process before and after it.

use super::Expected;
use crate::support::Exporter;
use std::fmt;
use std::time::Duration;

/// The number of descriptors that vary without a fault: the connections of the test's own client. A
/// higher tolerance would hide a leaked descriptor.
const DESCRIPTOR_SLACK: usize = 2;
/// The number of threads that vary without a fault: those of the blocking pool, which stay idle for
/// ten seconds.
const THREAD_SLACK: usize = 4;
/// The memory that an allocator retains after a few requests, in bytes: one MiB was observed, also for
/// replies of 64 MiB.
const MEMORY_SLACK: usize = 8 << 20;

/// The result of a fault, for its row of figures.
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

    /// All scrapes succeeded; the slowest took this long.
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

/// The resources of the process.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    descriptors: usize,
    threads: usize,
    resident: usize,
}

impl Level {
    /// As the process itself reports them, in any namespace.
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

    /// Whether there is no more than before, except for the descriptors that the fault adds.
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
