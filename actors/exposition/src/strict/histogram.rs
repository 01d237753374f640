//! The rules of the specifications on the samples of one histogram: bounds increase, counts accumulate, sums match.
//!
//! Sources: `OpenMetrics` 1.0, the sections on histograms and gauge histograms, and the text format's "Histograms and summaries".

use super::sample::FamilySample;
use crate::fault::RawFault;
use crate::metric_type::{Dialect, MetricType};
use crate::number;

/// The samples of one histogram so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Histogram {
    /// The offset of its first sample.
    at: usize,
    /// The bound of the last bucket.
    bound: Option<f64>,
    /// The value of the last bucket.
    bucket: f64,
    has_negative_bound: bool,
    count: Option<f64>,
    sum: Option<f64>,
}

impl Histogram {
    pub(super) const fn new(at: usize) -> Self {
        Self {
            at,
            bound: None,
            bucket: 0.0,
            has_negative_bound: false,
            count: None,
            sum: None,
        }
    }

    /// Adds a sample; a fault if it contradicts those before it.
    pub(super) fn add(&mut self, at: usize, sample: &FamilySample<'_>) -> Option<RawFault> {
        let value = sample.value();
        match sample.suffix {
            b"_count" | b"_gcount" => self.count = Some(value),
            b"_sum" | b"_gsum" => self.sum = Some(value),
            b"_bucket" => {
                let bound = sample.label(b"le").and_then(number::parse)?;
                return self
                    .add_bucket(bound, value)
                    .map(|message| RawFault::malformed(at, message));
            }
            _ => {}
        }
        None
    }

    fn add_bucket(&mut self, bound: f64, value: f64) -> Option<&'static str> {
        let last_value = std::mem::replace(&mut self.bucket, value);
        let last_bound = self.bound.replace(bound);
        self.has_negative_bound |= bound < 0.0;
        if last_bound.is_some_and(|last_bound| last_bound >= bound) {
            return Some("the bounds of the buckets do not increase");
        }
        if last_bound.is_some() && value < last_value {
            return Some("the value of the bucket is less than that of the one before it");
        }
        None
    }

    /// Checks all samples together; `metric_type` is one of the two types of histograms.
    pub(super) fn finish(self, metric_type: MetricType, dialect: Dialect) -> Option<RawFault> {
        let openmetrics = dialect == Dialect::OpenMetrics;
        let message = match (self.bound, self.count, self.sum) {
            (bound, _, _) if bound.is_none_or(f64::is_finite) => {
                "the histogram has no bucket with le=\"+Inf\""
            }
            (_, Some(count), _) if count != self.bucket => {
                "the count of the histogram differs from its bucket with le=\"+Inf\""
            }
            (_, Some(_), None) | (_, None, Some(_)) if openmetrics => {
                "the histogram has a count without a sum, or a sum without a count"
            }
            (_, _, Some(_))
                if openmetrics
                    && metric_type == MetricType::Histogram
                    && self.has_negative_bound =>
            {
                "the histogram has a sum although it has a negative bucket bound"
            }
            (_, _, Some(sum)) if openmetrics && sum < 0.0 && !self.has_negative_bound => {
                "the sum of the histogram is negative although no bucket bound is"
            }
            _ => return None,
        };
        Some(RawFault::malformed(self.at, message))
    }
}
