//! Registration of metric families, and their metadata as data for the documentation.

use super::state_set::StateSet;
use prometheus::core::Collector;
use prometheus::proto::MetricType;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, Result,
};

/// The metadata of a metric family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The full name.
    pub name: String,
    /// The text of its `# HELP` line.
    pub help: String,
    /// The type of its `# TYPE` line.
    pub kind: Type,
    /// The variable labels, in the order of their definition.
    pub labels: Vec<String>,
}

/// The type of a metric family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A value that only increases.
    Counter,
    /// A value that can go up and down.
    Gauge,
    /// Observations counted in buckets.
    Histogram,
    /// Quantiles of observations.
    Summary,
    /// A family without a type.
    Untyped,
}

impl Type {
    /// The word of the text format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        }
    }

    const fn of(kind: MetricType) -> Self {
        match kind {
            MetricType::COUNTER => Self::Counter,
            MetricType::GAUGE => Self::Gauge,
            MetricType::HISTOGRAM => Self::Histogram,
            MetricType::SUMMARY => Self::Summary,
            MetricType::UNTYPED => Self::Untyped,
        }
    }
}

/// Describes the families of a collector, including those that have no series.
#[must_use]
pub fn describe(collector: &dyn Collector) -> Vec<Description> {
    // A family without series is collected as well, only `Registry::gather` leaves it out.
    let families = collector.collect();
    let kind = |name: &str| {
        let family = families.iter().find(|family| family.name() == name);
        family.map_or(Type::Untyped, |family| Type::of(family.get_field_type()))
    };
    let descriptions = collector.desc().into_iter().map(|desc| Description {
        name: desc.fq_name.clone(),
        help: desc.help.clone(),
        kind: kind(&desc.fq_name),
        labels: desc.variable_labels.clone(),
    });
    descriptions.collect()
}

/// Registers families with the prefix `local_exporter_` and records their descriptions.
pub(super) struct Registrar<'a> {
    registry: &'a Registry,
    descriptions: Vec<Description>,
}

impl<'a> Registrar<'a> {
    pub(super) const fn new(registry: &'a Registry) -> Self {
        Self {
            registry,
            descriptions: Vec::new(),
        }
    }

    pub(super) fn into_descriptions(self) -> Vec<Description> {
        self.descriptions
    }

    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec> {
        self.add(IntCounterVec::new(opts(name, help), labels)?)
    }

    pub(super) fn int_gauge(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(opts(name, help), labels)?)
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec> {
        self.add(GaugeVec::new(opts(name, help), labels)?)
    }

    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec> {
        let opts = HistogramOpts::from(opts(name, help)).buckets(buckets.to_vec());
        self.add(HistogramVec::new(opts, labels)?)
    }

    /// A family by `selector` and `label`, of which `values` are all values.
    pub(super) fn state_set(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = &'static str>,
    ) -> Result<StateSet> {
        self.add(StateSet::new(&prefixed(name), help, label, values)?)
    }

    fn add<C: Collector + Clone + 'static>(&mut self, collector: C) -> Result<C> {
        self.registry.register(Box::new(collector.clone()))?;
        self.descriptions.extend(describe(&collector));
        Ok(collector)
    }
}

fn prefixed(name: &str) -> String {
    format!("local_exporter_{name}")
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(prefixed(name), help)
}
