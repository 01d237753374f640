//! The series and metrics seen so far: none may occur twice, and the samples of one metric must be in one group.
//!
//! A series is a sample name with its labels. A metric is a family with the labels that its samples share: all of them
//! except `le`, `quantile`, and the label that names a state.

use crate::entry::Label;
use crate::fault::RawFault;
use crate::metric_type::{Dialect, MetricType};
use crate::series::{Identity, SeriesHasher};
use std::collections::HashSet;
use std::hash::Hash;

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
    hasher: SeriesHasher,
}

impl SeriesSet {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            series: HashSet::new(),
            metrics: HashSet::new(),
            current: None,
            hasher: SeriesHasher::default(),
        }
    }

    /// Forgets the metrics of the family that ended.
    pub(super) fn end_family(&mut self) {
        self.current = None;
        // Clearing a set takes time in proportion to its capacity, which the largest family so far determines.
        self.metrics = HashSet::new();
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

    /// Hashes a name and its labels.
    pub(super) fn hash(&self, name: &[u8], labels: &[Label<'_>], identity: &Identity<'_>) -> u64 {
        self.hasher.hash(name, labels, identity)
    }

    /// Hashes one value.
    pub(super) fn hash_one(&self, value: impl Hash) -> u64 {
        self.hasher.hash_one(value)
    }
}

#[cfg(test)]
mod tests {
    use super::SeriesSet;
    use crate::metric_type::{Dialect, MetricType};

    /// Clearing a set that keeps its capacity would cost each later family as much as the largest one.
    #[test]
    fn a_family_that_ended_costs_later_families_nothing() {
        let mut set = SeriesSet::new(Dialect::OpenMetrics);
        for metric in 0..1000 {
            assert_eq!(set.check_group(0, metric, None, MetricType::Gauge), None);
        }
        set.end_family();
        assert_eq!(set.metrics.capacity(), 0);
    }
}
