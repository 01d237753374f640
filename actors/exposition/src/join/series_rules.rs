//! What identifies the samples of a family that is joined: names, labels and timestamps.

use super::family::Family;
use super::rules::Timestamps;
use crate::entry::{Label, Sample};
use crate::metric_type::{Dialect, MetricType};
use crate::series::Identity;

/// What identifies the samples of a family.
#[derive(Clone, Copy)]
pub(super) struct SeriesRules<'m> {
    pub(super) family: &'m Family<'m>,
    dialect: Dialect,
    timestamps: Timestamps,
}

impl<'m> SeriesRules<'m> {
    pub(super) const fn new(
        family: &'m Family<'m>,
        dialect: Dialect,
        timestamps: Timestamps,
    ) -> Self {
        Self {
            family,
            dialect,
            timestamps,
        }
    }

    /// Whether all samples of one metric must come from one file.
    pub(super) fn has_parts(&self) -> bool {
        self.family.metric_type.is_some_and(MetricType::has_parts)
    }

    /// What identifies a series.
    pub(super) fn series(&self) -> Identity<'static> {
        Identity::of_series(self.family.metric_type)
    }

    /// What identifies a metric, of which a series is a part.
    pub(super) fn metric(&self) -> Identity<'m> {
        let own = self.family.metric_type;
        Identity::of_metric(own.and_then(|own| own.sample_label(self.family.name)))
    }

    /// The timestamp of a sample, if samples that differ in it are different ones.
    pub(super) fn timestamp(&self, sample: &Sample<'_>) -> Option<i64> {
        let timestamp = sample.timestamp.as_ref().map(|(_, timestamp)| *timestamp);
        timestamp.filter(|_| self.dialect == Dialect::Text && self.timestamps == Timestamps::Kept)
    }

    /// Whether a file may repeat the series of a sample. In `OpenMetrics` a file owns its series at all times.
    pub(super) fn may_repeat(&self, sample: &Sample<'_>) -> bool {
        self.dialect == Dialect::OpenMetrics
            && self.timestamps == Timestamps::Kept
            && sample.timestamp.is_some()
    }

    /// Whether a sample is what the type of the family has: a bucket with its bound, for example.
    pub(super) fn is_part(&self, name: &[u8], labels: &[Label<'_>]) -> bool {
        let Some(metric_type) = self.family.metric_type else {
            return true;
        };
        let Some(suffix) = name.strip_prefix(self.family.name) else {
            return false;
        };
        let needs_label = matches!(
            (metric_type, suffix),
            (_, b"_bucket") | (MetricType::Summary | MetricType::StateSet, b"")
        );
        let own = metric_type.sample_label(self.family.name);
        let has_label = || labels.iter().any(|label| Some(label.name.text) == own);
        metric_type.has_suffix(suffix, self.dialect) && (!needs_label || has_label())
    }
}
