//! The specifications' rules on the samples of one metric: names, labels and values by type.
//!
//! Sources: `OpenMetrics` 1.0, "Metric Types", and the text format's "Histograms and summaries". Where the two differ
//! the dialect decides: `OpenMetrics` knows more types and is stricter on values and on what must come together.

use super::entry::{Dialect, Kind, Label};
use super::fault::RawFault;
use super::number;

/// What follows the family's name in the names of its samples.
pub(super) const fn suffixes(kind: Kind, dialect: Dialect) -> &'static [&'static str] {
    match (dialect, kind) {
        (Dialect::Text, Kind::Histogram) => &["_bucket", "_sum", "_count"],
        (Dialect::Text, Kind::Summary) => &["", "_sum", "_count"],
        (Dialect::OpenMetrics, Kind::Counter) => &["_total", "_created"],
        (Dialect::OpenMetrics, Kind::Histogram) => &["_bucket", "_sum", "_count", "_created"],
        (Dialect::OpenMetrics, Kind::GaugeHistogram) => &["_bucket", "_gsum", "_gcount"],
        (Dialect::OpenMetrics, Kind::Summary) => &["", "_sum", "_count", "_created"],
        (Dialect::OpenMetrics, Kind::Info) => &["_info"],
        _ => &[""],
    }
}

/// One sample of a family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point<'a> {
    pub(super) kind: Kind,
    pub(super) suffix: &'a [u8],
    pub(super) dialect: Dialect,
    pub(super) family: &'a [u8],
    pub(super) labels: &'a [Label<'a>],
    /// The value as it is written.
    pub(super) number: &'a [u8],
}

impl<'a> Point<'a> {
    fn label(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.labels
            .iter()
            .find(|label| label.name.text == name)
            .map(|label| label.value)
    }

    fn value(&self) -> f64 {
        number::parse(self.number).unwrap_or(f64::NAN)
    }

    pub(super) const fn is_histogram(&self) -> bool {
        matches!(self.kind, Kind::Histogram | Kind::GaugeHistogram)
    }

    /// The label that tells the samples of one metric apart.
    pub(super) fn own_label(&self) -> Option<&'a [u8]> {
        match self.kind {
            Kind::Histogram | Kind::GaugeHistogram => Some(b"le"),
            Kind::Summary => Some(b"quantile"),
            Kind::StateSet => Some(self.family),
            Kind::Counter | Kind::Gauge | Kind::Info | Kind::Unknown => None,
        }
    }

    /// What is wrong with this sample by itself.
    pub(super) fn check(&self, at: usize) -> Option<RawFault> {
        let known = suffixes(self.kind, self.dialect);
        if !known.iter().any(|known| known.as_bytes() == self.suffix) {
            return Some(RawFault::malformed(
                at,
                format!(
                    "the type of this family allows only samples with {}",
                    known.join(", ")
                ),
            ));
        }
        self.wrong_label()
            .or_else(|| self.wrong_value())
            .map(|message| RawFault::malformed(at, message))
    }

    fn wrong_label(&self) -> Option<&'static str> {
        match (self.kind, self.suffix) {
            (Kind::Histogram | Kind::GaugeHistogram, b"_bucket") => {
                let bound = self
                    .label(b"le")
                    .and_then(number::parse)
                    .filter(|bound| !bound.is_nan());
                let spelt = self.dialect == Dialect::Text || self.label(b"le") == Some(b"+Inf");
                let good = bound.is_some_and(|bound| bound.is_finite() || spelt);
                (!good).then_some(
                    "a bucket needs a label le with a number, of which the last is written +Inf",
                )
            }
            (Kind::Summary, b"") => {
                let quantile = self.label(b"quantile").and_then(number::parse);
                let good = quantile.is_some_and(|quantile| (0.0..=1.0).contains(&quantile));
                (!good).then_some(
                    "a summary's sample needs a label quantile with a number from 0 to 1",
                )
            }
            (Kind::StateSet, _) => self
                .label(self.family)
                .is_none()
                .then_some("a state needs a label with the name of its family"),
            _ => None,
        }
    }

    fn wrong_value(&self) -> Option<&'static str> {
        let value = self.value();
        let negative = value < 0.0;
        let counts = matches!(self.suffix, b"_bucket" | b"_count" | b"_gcount");
        if self.dialect == Dialect::Text {
            let counter = self.kind == Kind::Counter
                || (counts && matches!(self.kind, Kind::Histogram | Kind::Summary));
            return (counter && negative).then_some("a counter is not negative");
        }
        let total = matches!(
            (self.kind, self.suffix),
            (Kind::Counter, b"_total") | (Kind::Histogram | Kind::Summary, b"_sum")
        );
        match self.kind {
            _ if (counts || total || self.suffix == b"_gsum") && value.is_nan() => {
                Some("a counter is not NaN")
            }
            _ if (counts || total) && negative => Some("a counter is not negative"),
            _ if counts && value.fract() != 0.0 => Some("a count is a whole number"),
            Kind::Info if value.to_bits() != 1.0_f64.to_bits() => Some("the value of an info is 1"),
            Kind::StateSet
                if ![0.0, -0.0, 1.0]
                    .map(f64::to_bits)
                    .contains(&value.to_bits()) =>
            {
                Some("the value of a state is 0 or 1")
            }
            _ => None,
        }
    }
}

/// What is wrong with a sample's exemplar: where it stands, or the 128 characters its labels may have.
pub(super) fn exemplar(
    at: usize,
    kind: Kind,
    suffix: &[u8],
    present: bool,
    labels: &[Label<'_>],
) -> Option<RawFault> {
    if !present {
        return None;
    }
    let allowed = matches!(
        (kind, suffix),
        (Kind::Counter, b"_total") | (Kind::Histogram | Kind::GaugeHistogram, b"_bucket")
    );
    if !allowed {
        return Some(RawFault::malformed(
            at,
            "only a counter's total and a histogram's buckets have exemplars",
        ));
    }
    let texts = labels
        .iter()
        .flat_map(|label| [label.name.text, label.value]);
    let characters: usize = texts
        .map(|text| {
            String::from_utf8_lossy(&super::entry::unescaped(text).collect::<Vec<u8>>())
                .chars()
                .count()
        })
        .sum();
    (characters > 128).then(|| {
        RawFault::malformed(
            at,
            "the labels of an exemplar have more than 128 characters",
        )
    })
}

/// What the samples of one histogram have told so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Points {
    at: usize,
    bound: Option<f64>,
    bucket: f64,
    below_zero: bool,
    count: Option<f64>,
    sum: Option<f64>,
}

impl Points {
    pub(super) const fn new(at: usize) -> Self {
        Self {
            at,
            bound: None,
            bucket: 0.0,
            below_zero: false,
            count: None,
            sum: None,
        }
    }

    /// Adds a sample of a histogram; says what is wrong with it after those before it.
    pub(super) fn enter(&mut self, at: usize, point: &Point<'_>) -> Option<RawFault> {
        let value = point.value();
        match point.suffix {
            b"_count" | b"_gcount" => self.count = Some(value),
            b"_sum" | b"_gsum" => self.sum = Some(value),
            b"_bucket" => {
                let bound = point.label(b"le").and_then(number::parse)?;
                let before = self.bound.replace(bound);
                let bucket = std::mem::replace(&mut self.bucket, value);
                self.below_zero |= bound < 0.0;
                if before.is_some_and(|before| before >= bound) {
                    return Some(RawFault::malformed(
                        at,
                        "the buckets of a histogram are not in increasing order",
                    ));
                }
                if before.is_some() && value < bucket {
                    return Some(RawFault::malformed(
                        at,
                        "a bucket holds less than the one before it",
                    ));
                }
            }
            _ => {}
        }
        None
    }

    /// What is wrong with all of them together.
    pub(super) fn finish(self, kind: Option<Kind>, dialect: Dialect) -> Option<RawFault> {
        let kind = kind.filter(|kind| matches!(kind, Kind::Histogram | Kind::GaugeHistogram))?;
        let openmetrics = dialect == Dialect::OpenMetrics;
        let message = match (self.bound, self.count, self.sum) {
            (bound, _, _) if bound.is_none_or(f64::is_finite) => {
                "this histogram has no bucket with le=\"+Inf\""
            }
            (_, Some(count), _) if count != self.bucket => {
                "the count of this histogram differs from its bucket with le=\"+Inf\""
            }
            (_, Some(_), None) | (_, None, Some(_)) if openmetrics => {
                "this histogram has a count without a sum, or a sum without a count"
            }
            (_, _, Some(_)) if openmetrics && kind == Kind::Histogram && self.below_zero => {
                "this histogram has a sum although a bucket reaches below zero"
            }
            (_, _, Some(sum)) if openmetrics && sum < 0.0 && !self.below_zero => {
                "the sum of this histogram is negative although no bucket reaches below zero"
            }
            _ => return None,
        };
        Some(RawFault::malformed(self.at, message))
    }
}

#[cfg(test)]
mod tests {
    use super::super::FormatChoice::{OpenMetrics, Text};
    use super::super::tests::strict;

    const BUCKETS: &str = "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2\n";

    #[test]
    fn text_histograms_summaries_and_counters_are_consistent() {
        let both = format!("{BUCKETS}a_sum -3\na_count 2\n");
        let good = [
            both.as_str(),
            BUCKETS,
            "# TYPE a counter\na 0\n",
            "# TYPE a summary\na{quantile=\"0.5\"} NaN\na_sum 1\na_count 2\n",
            "# TYPE a histogram\na_bucket{b=\"1\",le=\"1\"} 5\na_bucket{b=\"2\",le=\"inf\"} 1\na_bucket{b=\"1\",le=\"+Inf\"} 5\n",
        ];
        let count = format!("{BUCKETS}a_count 3\n");
        let bad = [
            ("# TYPE a counter\na -1\n", 2),
            (count.as_str(), 2),
            ("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_count 1\n", 2),
            (
                "# TYPE a histogram\na_bucket{le=\"2\"} 1\na_bucket{le=\"1\"} 1\n",
                3,
            ),
            ("# TYPE a histogram\na_sum 1\n", 2),
            (
                "# TYPE a histogram\na_bucket{le=\"2\"} 2\na_bucket{le=\"+Inf\"} 1\n",
                3,
            ),
            ("# TYPE a histogram\na 1\n", 2),
            ("# TYPE a histogram\na_bucket{le=\"x\"} 2\n", 2),
            ("# TYPE a histogram\na_bucket 2\n", 2),
            ("# TYPE a summary\na 1\n", 2),
            ("# TYPE a summary\na{quantile=\"2\"} 1\n", 2),
            ("# TYPE a summary\na_count -1\n", 2),
        ];
        strict(Text, &good, &bad);
    }

    #[test]
    fn openmetrics_types_have_their_own_samples_and_values() {
        let full = format!("{BUCKETS}a_sum 3\na_count 2\n# EOF\n");
        let good = [
            full.as_str(),
            "# TYPE a info\na_info{b=\"c\"} 1\n# EOF\n",
            "# TYPE a stateset\na{a=\"x\"} 1\na{a=\"y\"} 0\n# EOF\n",
            "# TYPE a gaugehistogram\na_bucket{le=\"-1\"} 1\na_bucket{le=\"+Inf\"} 1\na_gsum -5\na_gcount 1\n# EOF\n",
            "# TYPE a counter\na_total 1 # {b=\"c\"} 1\n# EOF\n",
            "# TYPE a summary\na_sum 1\n# EOF\n",
            "# TYPE a gauge\na NaN\n# EOF\n",
        ];
        let sum = format!("{BUCKETS}a_sum 3\n# EOF\n");
        let fraction = "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1.5\n# EOF\n";
        let long = format!(
            "# TYPE a counter\na_total 1 # {{b=\"{}\"}} 1\n# EOF\n",
            "é".repeat(128)
        );
        let bad = [
            (sum.as_str(), 2),
            (fraction, 2),
            (long.as_str(), 2),
            ("# TYPE a counter\na 1\n# EOF\n", 2),
            ("# TYPE a counter\na_total NaN\n# EOF\n", 2),
            ("# TYPE a counter\na_total -1\n# EOF\n", 2),
            ("# TYPE a info\na 1\n# EOF\n", 2),
            ("# TYPE a info\na_info 2\n# EOF\n", 2),
            ("# TYPE a stateset\na 1\n# EOF\n", 2),
            ("# TYPE a stateset\na{a=\"x\"} 2\n# EOF\n", 2),
            ("# TYPE a summary\na_sum -1\n# EOF\n", 2),
            ("# TYPE a histogram\na_bucket{le=\"+INF\"} 0\n# EOF\n", 2),
            ("# TYPE a gauge\na 1 # {b=\"c\"} 1\n# EOF\n", 2),
            (
                "# TYPE a histogram\na_bucket{le=\"-1\"} 0\na_bucket{le=\"+Inf\"} 0\na_sum 0\na_count 0\n# EOF\n",
                2,
            ),
            (
                "# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gsum -1\na_gcount 1\n# EOF\n",
                2,
            ),
        ];
        strict(OpenMetrics, &good, &bad);
    }
}
