//! The series and metrics seen so far: none may occur twice, and the samples of one metric must be in one group.
//!
//! A series is a sample name with its labels. A metric is a family with the labels that its samples share: all of them
//! except `le`, `quantile`, and the label that names a state.

use crate::entry::Label;
use crate::escape::unescaped;
use crate::fault::RawFault;
use crate::metric_type::{Dialect, MetricType};
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// The metric whose samples are being read, and the timestamp of the last of them.
#[derive(Clone, Copy, Debug)]
struct CurrentMetric {
    hash: u64,
    timestamp: Option<i64>,
}

/// The hashes of the series of a body, and of the metrics of the current family.
pub(super) struct SeriesSet {
    dialect: Dialect,
    series: HashSet<u64>,
    metrics: HashSet<u64>,
    current: Option<CurrentMetric>,
    hashing: RandomState,
    scratch: Vec<u8>,
}

impl SeriesSet {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            series: HashSet::new(),
            metrics: HashSet::new(),
            current: None,
            hashing: RandomState::new(),
            scratch: Vec::new(),
        }
    }

    /// Forgets the metrics of the family that ended.
    pub(super) fn end_family(&mut self) {
        self.current = None;
        self.metrics.clear();
    }

    /// Checks that a series has not occurred before.
    pub(super) fn check_duplicate(
        &mut self,
        at: usize,
        series: u64,
        timestamp: Option<i64>,
    ) -> Option<RawFault> {
        let repeated = !self.series.insert(series);
        // OpenMetrics allows several samples of one series with different timestamps.
        let allowed = self.dialect == Dialect::OpenMetrics && timestamp.is_some();
        (repeated && !allowed).then(|| RawFault::malformed(at, "this series occurs twice"))
    }

    /// Checks the group of an `OpenMetrics` sample: the samples of one metric are together, all of them or none have
    /// timestamps, and the timestamps do not decrease.
    pub(super) fn check_group(
        &mut self,
        at: usize,
        hash: u64,
        timestamp: Option<i64>,
        metric_type: MetricType,
    ) -> Option<RawFault> {
        if self.dialect == Dialect::Text {
            return None;
        }
        let previous = self.current.replace(CurrentMetric { hash, timestamp });
        let Some(previous) = previous.filter(|previous| previous.hash == hash) else {
            let repeated = !self.metrics.insert(hash);
            return repeated.then(|| {
                RawFault::malformed(at, "the samples of one metric are not in one group")
            });
        };
        match (previous.timestamp, timestamp) {
            (None, Some(_)) | (Some(_), None) => Some(RawFault::malformed(
                at,
                "only some samples of this metric have timestamps",
            )),
            (Some(previous), Some(now)) if now < previous && metric_type != MetricType::Info => {
                Some(RawFault::malformed(
                    at,
                    "the timestamps of this metric decrease",
                ))
            }
            _ => None,
        }
    }

    /// Hashes a name and its labels, regardless of their order and without those that have empty values.
    pub(super) fn hash<'l, 'a: 'l>(
        &mut self,
        name: &[u8],
        labels: impl Iterator<Item = &'l Label<'a>>,
    ) -> u64 {
        let mut sum = self.hashing.hash_one(name);
        for label in labels.filter(|label| !label.value.is_empty()) {
            let mut hasher = self.hashing.build_hasher();
            for text in [label.name.text, label.value] {
                if text.contains(&b'\\') {
                    self.scratch.clear();
                    self.scratch.extend(unescaped(text));
                    hasher.write(&self.scratch);
                } else {
                    hasher.write(text);
                }
                hasher.write_u8(0xff);
            }
            sum = sum.wrapping_add(hasher.finish());
        }
        sum
    }

    /// Hashes one value.
    pub(super) fn hash_one(&self, value: impl Hash) -> u64 {
        self.hashing.hash_one(value)
    }
}
