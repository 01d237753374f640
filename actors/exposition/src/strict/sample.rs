//! The rules of the specifications on one sample: suffix, labels, value and exemplar, by the type of its family.
//!
//! Sources: `OpenMetrics` 1.0, "Metric Types", and the text format's "Histograms and summaries". Where the two differ the
//! dialect decides: `OpenMetrics` has more types and more rules on values.

use crate::entry::Label;
use crate::escape::unescaped;
use crate::fault::RawFault;
use crate::metric_type::{Dialect, MetricType};
use crate::number;

/// The maximum number of characters in the names and values of an exemplar's labels (`OpenMetrics` 1.0, "Exemplars").
const MAX_EXEMPLAR_CHARACTERS: usize = 128;

/// One sample of a family.
#[derive(Clone, Copy, Debug)]
pub(super) struct FamilySample<'a> {
    pub(super) metric_type: MetricType,
    /// The part of the sample's name after the name of the family.
    pub(super) suffix: &'a [u8],
    pub(super) dialect: Dialect,
    /// The name of the family.
    pub(super) family: &'a [u8],
    pub(super) labels: &'a [Label<'a>],
    /// The value as written.
    pub(super) value: &'a [u8],
}

impl<'a> FamilySample<'a> {
    pub(super) fn label(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.labels
            .iter()
            .find(|label| label.name.text == name)
            .map(|label| label.value)
    }

    pub(super) fn value(&self) -> f64 {
        number::parse(self.value).unwrap_or(f64::NAN)
    }

    /// Checks the sample without regard to others.
    pub(super) fn check(&self, at: usize) -> Option<RawFault> {
        if !self.metric_type.has_suffix(self.suffix, self.dialect) {
            let (name, suffixes) = (
                self.metric_type.name(),
                self.metric_type.suffixes(self.dialect),
            );
            let suffixes = suffixes.join(", ");
            return Some(RawFault::malformed(
                at,
                format!("the type {name} only has samples with the suffixes {suffixes}"),
            ));
        }
        self.label_fault()
            .or_else(|| self.value_fault())
            .map(|message| RawFault::malformed(at, message))
    }

    fn label_fault(&self) -> Option<&'static str> {
        match (self.metric_type, self.suffix) {
            (MetricType::Histogram | MetricType::GaugeHistogram, b"_bucket") => {
                let bound = self
                    .label(b"le")
                    .and_then(number::parse)
                    .filter(|bound| !bound.is_nan());
                let spelling = self.dialect == Dialect::Text || self.label(b"le") == Some(b"+Inf");
                let valid = bound.is_some_and(|bound| bound.is_finite() || spelling);
                (!valid).then_some("a bucket needs a label le with a number; infinity is +Inf")
            }
            (MetricType::Summary, b"") => {
                let quantile = self.label(b"quantile").and_then(number::parse);
                let valid = quantile.is_some_and(|quantile| (0.0..=1.0).contains(&quantile));
                (!valid).then_some("a quantile needs a label quantile with a number from 0 to 1")
            }
            (MetricType::StateSet, _) => self
                .label(self.family)
                .is_none()
                .then_some("a state needs a label with the name of its family"),
            _ => None,
        }
    }

    fn value_fault(&self) -> Option<&'static str> {
        const NEGATIVE: &str = "the value of a counter must not be negative";
        let value = self.value();
        let is_count = matches!(self.suffix, b"_bucket" | b"_count" | b"_gcount");
        if self.dialect == Dialect::Text {
            let is_counter = self.metric_type == MetricType::Counter
                || (is_count
                    && matches!(
                        self.metric_type,
                        MetricType::Histogram | MetricType::Summary
                    ));
            return (is_counter && value < 0.0).then_some(NEGATIVE);
        }
        let is_total = matches!(
            (self.metric_type, self.suffix),
            (MetricType::Counter, b"_total")
                | (MetricType::Histogram | MetricType::Summary, b"_sum")
        );
        match self.metric_type {
            _ if (is_count || is_total || self.suffix == b"_gsum") && value.is_nan() => {
                Some("the value of a counter must not be NaN")
            }
            _ if (is_count || is_total) && value < 0.0 => Some(NEGATIVE),
            _ if is_count && value.fract() != 0.0 => Some("a count must be an integer"),
            MetricType::Info if value.to_bits() != 1.0_f64.to_bits() => {
                Some("the value of an info metric must be 1")
            }
            MetricType::StateSet
                if ![0.0, -0.0, 1.0]
                    .map(f64::to_bits)
                    .contains(&value.to_bits()) =>
            {
                Some("the value of a state must be 0 or 1")
            }
            _ => None,
        }
    }

    /// Checks an exemplar with these labels: whether the sample can have one, and its length.
    pub(super) fn check_exemplar(&self, at: usize, labels: &[Label<'_>]) -> Option<RawFault> {
        let allowed = matches!(
            (self.metric_type, self.suffix),
            (MetricType::Counter, b"_total")
                | (
                    MetricType::Histogram | MetricType::GaugeHistogram,
                    b"_bucket"
                )
        );
        if !allowed {
            return Some(RawFault::malformed(
                at,
                "only the totals of counters and the buckets of histograms can have exemplars",
            ));
        }
        let texts = labels
            .iter()
            .flat_map(|label| [label.name.text, label.value]);
        let characters: usize = texts.map(count_characters).sum();
        (characters > MAX_EXEMPLAR_CHARACTERS)
            .then(|| RawFault::malformed(at, "the labels of the exemplar exceed 128 characters"))
    }
}

fn count_characters(text: &[u8]) -> usize {
    let text: Vec<u8> = unescaped(text).collect();
    String::from_utf8_lossy(&text).chars().count()
}
