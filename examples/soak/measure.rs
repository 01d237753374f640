//! The resources of a process, read from `/proc`.

use crate::exporter::Exporter;
use std::fmt;
use std::fs;
use std::thread::park_timeout;
use std::time::Duration;

/// A little longer than idle threads and connections are kept: tokio ends a thread of its blocking
/// pool after 10 s.
const PAUSE: Duration = Duration::from_secs(12);
/// The number of samples in a pause, and the time between them.
const SAMPLES: u64 = 9;
const BETWEEN_SAMPLES: Duration = Duration::from_millis(500);
/// A twentieth of a small count is less than one, so growth up to this number is ignored.
const SLACK: u64 = 2;

/// The resources at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    pub(crate) resident_kib: u64,
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
}

impl Measure {
    pub(crate) fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|text| text.split_whitespace().next()?.parse().ok());
        let count = |what: &str| {
            let entries = fs::read_dir(format!("/proc/{process}/{what}"));
            entries.map_or(0, |entries| entries.count() as u64)
        };
        Self {
            resident_kib: resident.unwrap_or(0),
            descriptors: count("fd"),
            threads: count("task"),
        }
    }
}

/// The resources in a pause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    held: Measure,
    /// Represents tasks, which cannot be counted from outside: each scrape in progress is a task,
    /// and so is each that leaked.
    in_flight: u64,
}

impl Level {
    /// Waits until idle threads and connections have ended, then takes the samples.
    pub(crate) fn of(exporter: &Exporter) -> Self {
        park_timeout(PAUSE);
        let in_flight = exporter.in_flight();
        let sample = |_| {
            park_timeout(BETWEEN_SAMPLES);
            let held = Measure::of(exporter.process());
            Self { held, in_flight }
        };
        let samples: Vec<_> = (0..SAMPLES).map(sample).collect();
        Self::median(&samples)
    }

    /// The median of each field.
    pub(crate) fn median(levels: &[Self]) -> Self {
        let of = |what: fn(&Self) -> u64| median(levels.iter().map(what).collect());
        Self {
            held: Measure {
                resident_kib: of(|level| level.held.resident_kib),
                descriptors: of(|level| level.held.descriptors),
                threads: of(|level| level.held.threads),
            },
            in_flight: of(|level| level.in_flight),
        }
    }

    /// Describes each field that has grown by more than a twentieth; resident memory also by more
    /// than `slack_kib`.
    pub(crate) fn growth_since(&self, before: &Self, slack_kib: u64) -> Vec<String> {
        let (was, is) = (&before.held, &self.held);
        let compared = [
            ("resident KiB", was.resident_kib, is.resident_kib, slack_kib),
            ("descriptors", was.descriptors, is.descriptors, SLACK),
            ("threads", was.threads, is.threads, SLACK),
            ("scrapes in flight", before.in_flight, self.in_flight, 0),
        ];
        let has_grown = |(_, before, after, slack): &(_, u64, u64, u64)| {
            *after > before + (before / 20).max(*slack)
        };
        let grown = compared.into_iter().filter(has_grown);
        grown
            .map(|(what, before, after, _)| format!("{what}, from {before} to {after}"))
            .collect()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measure {
            resident_kib,
            descriptors,
            threads,
        } = self.held;
        let in_flight = self.in_flight;
        write!(
            out,
            "{resident_kib} KiB resident, {descriptors} descriptors, {threads} threads, \
             {in_flight} scrapes in flight"
        )
    }
}

/// The median; 0 of no values.
pub(crate) fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}
