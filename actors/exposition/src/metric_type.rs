//! Metric types and the sample names they allow.
//!
//! Source: `OpenMetrics` 1.0, "Metric Types", and the text format's "Histograms and summaries".

/// The text-based formats, where their rules differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Prometheus text.
    Text,
    /// `OpenMetrics`.
    OpenMetrics,
}

/// The type that a TYPE line gives a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MetricType {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    /// `unknown` in `OpenMetrics`, `untyped` in text.
    Unknown,
}

impl MetricType {
    /// The word for the type in `OpenMetrics`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    /// The suffixes that sample names of this type add to the name of their family.
    pub(crate) const fn suffixes(self, dialect: Dialect) -> &'static [&'static str] {
        match (dialect, self) {
            (Dialect::Text, Self::Histogram) => &["_bucket", "_sum", "_count"],
            (Dialect::Text, Self::Summary) => &["", "_sum", "_count"],
            (Dialect::OpenMetrics, Self::Counter) => &["_total", "_created"],
            (Dialect::OpenMetrics, Self::Histogram) => &["_bucket", "_sum", "_count", "_created"],
            (Dialect::OpenMetrics, Self::GaugeHistogram) => &["_bucket", "_gsum", "_gcount"],
            (Dialect::OpenMetrics, Self::Summary) => &["", "_sum", "_count", "_created"],
            (Dialect::OpenMetrics, Self::Info) => &["_info"],
            _ => &[""],
        }
    }

    /// Whether `suffix` is one of [`Self::suffixes`].
    pub(crate) fn has_suffix(self, suffix: &[u8], dialect: Dialect) -> bool {
        let mut suffixes = self.suffixes(dialect).iter();
        suffixes.any(|known| known.as_bytes() == suffix)
    }

    /// The label that distinguishes the samples of one metric: `le`, `quantile`, or the family's name for a state set.
    pub(crate) fn sample_label(self, family: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Histogram | Self::GaugeHistogram => Some(b"le"),
            Self::Summary => Some(b"quantile"),
            Self::StateSet => Some(family),
            Self::Counter | Self::Gauge | Self::Info | Self::Unknown => None,
        }
    }

    /// The label whose value is a number: `le` or `quantile`.
    pub(crate) const fn numeric_label(self) -> Option<&'static [u8]> {
        match self {
            Self::Histogram | Self::GaugeHistogram => Some(b"le"),
            Self::Summary => Some(b"quantile"),
            _ => None,
        }
    }

    /// Whether all samples of one metric belong together, such as the buckets of a histogram.
    pub(crate) const fn has_parts(self) -> bool {
        matches!(
            self,
            Self::Histogram | Self::GaugeHistogram | Self::Summary | Self::StateSet
        )
    }

    pub(crate) const fn is_histogram(self) -> bool {
        matches!(self, Self::Histogram | Self::GaugeHistogram)
    }
}
