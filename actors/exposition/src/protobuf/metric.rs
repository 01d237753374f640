//! The rules of Prometheus on one metric of a family: labels, and the buckets of native histograms.
//!
//! Sources: `model/textparse/protobufparse.go`, `prompb/io/prometheus/client/decoder.go` and `scrape/scrape.go` of
//! Prometheus 3.5 with its default flags.

use super::native;
use super::schema::{Histogram, LabelPair, Metric};
use super::wire::Cause;
use crate::names::is_legacy_label_name;
use crate::summary::Summary;

/// The types of metrics, by their numbers in the enum `MetricType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProtobufType {
    Counter,
    Gauge,
    Summary,
    Untyped,
    Histogram,
    GaugeHistogram,
}

impl ProtobufType {
    pub(super) const fn of_number(number: i32) -> Option<Self> {
        Some(match number {
            0 => Self::Counter,
            1 => Self::Gauge,
            2 => Self::Summary,
            3 => Self::Untyped,
            4 => Self::Histogram,
            5 => Self::GaugeHistogram,
            _ => return None,
        })
    }

    pub(super) const fn is_histogram(self) -> bool {
        matches!(self, Self::Histogram | Self::GaugeHistogram)
    }
}

/// How Prometheus reads the metrics of a family; the first one decides for histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Plain,
    Summary,
    ClassicHistogram,
    NativeHistogram,
}

impl Reading {
    /// How a family is read that has this type and begins with this metric.
    pub(super) fn of(metric_type: ProtobufType, first: &Metric) -> Self {
        match metric_type {
            ProtobufType::Summary => Self::Summary,
            histogram if histogram.is_histogram() => {
                if first.histogram.as_ref().is_some_and(native::is_native) {
                    Self::NativeHistogram
                } else {
                    Self::ClassicHistogram
                }
            }
            _ => Self::Plain,
        }
    }

    /// The label that the parser adds to some series of a metric.
    fn added_label(self, metric: &Metric) -> Option<&'static [u8]> {
        let quantiles = metric.summary.as_ref().map(|summary| &summary.quantile);
        match self {
            Self::ClassicHistogram => Some(b"le"),
            Self::Summary if quantiles.is_some_and(|quantiles| !quantiles.is_empty()) => {
                Some(b"quantile")
            }
            Self::Summary | Self::Plain | Self::NativeHistogram => None,
        }
    }
}

/// Checks a metric and counts its contents in `summary`.
pub(super) fn check(metric: &Metric, reading: Reading, summary: &mut Summary) -> Result<(), Cause> {
    check_labels(&metric.label, reading.added_label(metric))?;
    if reading == Reading::NativeHistogram && metric.histogram.as_ref().is_some_and(native::crashes)
    {
        return Err(
            "a native histogram has more buckets than its spans: this crashes Prometheus 3.5",
        );
    }
    summary.samples += 1;
    summary.exemplars += count_exemplars(metric);
    // Zero means that there is none.
    let timestamp = Some(metric.timestamp_ms).filter(|timestamp| *timestamp != 0);
    summary.newest_timestamp_ms = summary.newest_timestamp_ms.max(timestamp);
    let names = metric
        .label
        .iter()
        .filter_map(|label| label.name.as_deref());
    summary.needs_utf8 |= names.into_iter().any(|name| !is_legacy_label_name(name));
    Ok(())
}

/// Checks that Prometheus can store the labels, and the one that it adds.
///
/// A label with an empty value is dropped, and so are all others with its name; the remaining names must be unique.
fn check_labels(labels: &[LabelPair], added: Option<&'static [u8]>) -> Result<(), Cause> {
    let mut pairs: Vec<(&[u8], bool)> = Vec::with_capacity(labels.len() + 1);
    for label in labels {
        match label.name.as_deref() {
            Some([]) => return Err("a label has an empty name"),
            None if !label.value.is_empty() => return Err("a label has no name"),
            Some(b"__name__") => {
                return Err("a label is named __name__, which is reserved for the metric name");
            }
            Some(name) if std::str::from_utf8(name).is_err() => {
                return Err("a label name is not valid UTF-8");
            }
            _ => {}
        }
        if std::str::from_utf8(&label.value).is_err() {
            return Err("a label value is not valid UTF-8");
        }
        pairs.push((
            label.name.as_deref().unwrap_or_default(),
            label.value.is_empty(),
        ));
    }
    pairs.extend(added.map(|name| (name, false)));
    pairs.sort_unstable();
    let mut same_names = pairs.chunk_by(|(one, _), (other, _)| one == other);
    let repeats = |same: &[(&[u8], bool)]| same.len() > 1 && same.iter().all(|(_, empty)| !empty);
    if same_names.any(repeats) {
        return Err(match added {
            Some(_) => "a label name occurs twice in one metric; le and quantile are added to it",
            None => "a label name occurs twice in one metric",
        });
    }
    Ok(())
}

fn count_exemplars(metric: &Metric) -> usize {
    let counter = metric.counter.as_ref();
    let of_counter = counter.is_some_and(|counter| counter.exemplar.is_some());
    let of_histogram = |histogram: &Histogram| {
        let buckets = histogram.bucket.iter();
        let of_buckets = buckets.filter(|bucket| bucket.exemplar.is_some()).count();
        of_buckets + histogram.exemplars.len()
    };
    usize::from(of_counter) + metric.histogram.as_ref().map_or(0, of_histogram)
}
