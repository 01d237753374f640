//! Enforces the rules of the specifications on the order of lines: families, metadata, series and metrics.
//!
//! Sources: `OpenMetrics` 1.0 and the text format 0.0.4 ("exposition formats" in the Prometheus documentation). Series and
//! metrics are remembered as 64-bit hashes: two that collide count as one, which for a million series happens in about one
//! of ten million bodies.

mod histogram;
mod reserved;
mod sample;
mod series;

use crate::entry::{Entry, Reader, Sample};
use crate::fault::RawFault;
use crate::metric_type::{Dialect, MetricType};
use crate::series::Identity;
use histogram::Histogram;
use reserved::ReservedNames;
use sample::FamilySample;
use series::SeriesSet;
use std::collections::HashMap;

/// The metadata of the family whose lines are being read.
#[derive(Debug, Default)]
struct Family {
    name: Vec<u8>,
    metric_type: Option<MetricType>,
    has_help: bool,
    has_unit: bool,
    has_samples: bool,
}

/// The family whose lines are being read, and the families and series before it.
pub(crate) struct FamilyState {
    dialect: Dialect,
    family: Option<Family>,
    /// The histograms of the family, by the hash of their labels and timestamp.
    histograms: HashMap<u64, Histogram>,
    reserved: ReservedNames,
    series: SeriesSet,
}

impl FamilyState {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            family: None,
            histograms: HashMap::new(),
            reserved: ReservedNames::default(),
            series: SeriesSet::new(dialect),
        }
    }

    /// Adds the entry at `at`; returns its faults and those of the family that it ends.
    pub(crate) fn add<'a>(
        &mut self,
        body: &[u8],
        at: usize,
        entry: &Entry<'a>,
        reader: &impl Reader<'a>,
    ) -> Vec<RawFault> {
        let mut faults = Vec::new();
        if let Some((at, deviation)) = reader.deviation() {
            faults.push(RawFault::malformed(at, deviation));
        }
        match entry {
            Entry::Comment => {}
            Entry::Help(name) | Entry::Type(name, _) | Entry::Unit(name) => {
                let current = self.family.as_ref();
                if current.is_none_or(|family| family.name != name.text) {
                    faults.extend(self.begin(at, name.text));
                }
                faults.extend(self.add_metadata(at, entry));
            }
            Entry::Sample(sample) => {
                let name = sample.name.text;
                if self.suffix(name).is_none() {
                    faults.extend(self.begin(at, name));
                }
                faults.extend(self.add_sample(body, at, sample, reader));
            }
        }
        faults
    }

    /// Ends the current family; returns the first fault of its histograms.
    pub(crate) fn finish(&mut self) -> Option<RawFault> {
        self.series.end_family();
        let family = self.family.take()?;
        let metric_type = family
            .metric_type
            .filter(|metric_type| metric_type.is_histogram());
        // Draining takes time in proportion to the capacity, which the largest family so far determines.
        let histograms = std::mem::take(&mut self.histograms).into_values();
        let faults =
            histograms.filter_map(|histogram| histogram.finish(metric_type?, self.dialect));
        faults.min_by_key(|fault| fault.at)
    }

    /// Ends the current family and begins another.
    fn begin(&mut self, at: usize, name: &[u8]) -> Vec<RawFault> {
        let mut faults: Vec<RawFault> = self.finish().into_iter().collect();
        self.family = Some(Family {
            name: name.to_vec(),
            ..Family::default()
        });
        faults.extend(self.reserved.reserve(at, name, name));
        faults
    }

    fn add_metadata(&mut self, at: usize, entry: &Entry<'_>) -> Option<RawFault> {
        let family = self.family.as_mut()?;
        let (keyword, repeated) = match entry {
            Entry::Help(_) => ("HELP", std::mem::replace(&mut family.has_help, true)),
            Entry::Unit(_) => ("UNIT", std::mem::replace(&mut family.has_unit, true)),
            Entry::Type(_, metric_type) => {
                ("TYPE", family.metric_type.replace(*metric_type).is_some())
            }
            Entry::Comment | Entry::Sample(_) => return None,
        };
        if family.has_samples {
            return Some(RawFault::malformed(
                at,
                format!("{keyword} after samples of the same family"),
            ));
        }
        if repeated {
            return Some(RawFault::malformed(
                at,
                format!("second {keyword} for the same family"),
            ));
        }
        let has_no_unit = matches!(
            family.metric_type,
            Some(MetricType::Info | MetricType::StateSet)
        );
        if family.has_unit && has_no_unit {
            return Some(RawFault::malformed(
                at,
                "a family of type info or stateset must not have a unit",
            ));
        }
        let Entry::Type(name, metric_type) = entry else {
            return None;
        };
        let suffixes = metric_type.suffixes(self.dialect).iter();
        let names: Vec<Vec<u8>> = suffixes
            .filter(|suffix| !suffix.is_empty())
            .map(|suffix| [name.text, suffix.as_bytes()].concat())
            .collect();
        names
            .iter()
            .filter_map(|name| self.reserved.reserve(at, name, &family.name))
            .last()
    }

    /// The suffix that `name` adds to the name of the current family; `None` if it belongs to another family.
    fn suffix<'n>(&self, name: &'n [u8]) -> Option<&'n [u8]> {
        let family = self.family.as_ref()?;
        let suffix = name.strip_prefix(family.name.as_slice())?;
        let metric_type = family.metric_type.unwrap_or(MetricType::Unknown);
        (suffix.is_empty() || metric_type.has_suffix(suffix, self.dialect)).then_some(suffix)
    }

    fn add_sample<'a>(
        &mut self,
        body: &[u8],
        at: usize,
        sample: &Sample<'a>,
        reader: &impl Reader<'a>,
    ) -> Option<RawFault> {
        let suffix = self.suffix(sample.name.text)?;
        let family = self.family.as_mut()?;
        family.has_samples = true;
        let metric_type = family.metric_type.unwrap_or(MetricType::Unknown);
        let labels = reader.labels();
        let point = FamilySample {
            metric_type,
            suffix,
            dialect: self.dialect,
            family: &family.name,
            labels,
            value: body.get(sample.value.clone()).unwrap_or_default(),
        };
        let timestamp = sample.timestamp.as_ref().map(|(_, timestamp)| *timestamp);
        let is_grouped = metric_type.is_histogram() || self.dialect == Dialect::OpenMetrics;
        let metric = if is_grouped {
            let identity = Identity::of_metric(metric_type.sample_label(&family.name));
            self.series.hash(&family.name, labels, &identity)
        } else {
            0
        };
        let identity = Identity::of_series(Some(metric_type));
        let series = self.series.hash(sample.name.text, labels, &identity);
        point
            .check(at)
            .or_else(|| self.series.check_duplicate(at, series, timestamp))
            .or_else(|| self.series.check_group(at, metric, timestamp, metric_type))
            .or_else(|| {
                let exemplar = sample.exemplar.then(|| reader.exemplar());
                exemplar.and_then(|labels| point.check_exemplar(at, labels))
            })
            .or_else(|| {
                if !metric_type.is_histogram() {
                    return None;
                }
                let key = metric ^ timestamp.map_or(0, |timestamp| self.series.hash_one(timestamp));
                let histograms = self.histograms.entry(key);
                let histogram = histograms.or_insert_with(|| Histogram::new(at));
                histogram.add(at, &point)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::FamilyState;
    use crate::entry::Reader;
    use crate::metric_type::Dialect;
    use crate::text::TextReader;
    use std::fmt::Write;

    #[test]
    fn a_histogram_that_ended_costs_later_families_nothing() {
        let mut body = String::from("# TYPE a histogram\n");
        for number in 0..1000 {
            let _ = writeln!(body, "a_bucket{{b=\"{number}\",le=\"+Inf\"}} 1");
        }
        body.push_str("c 1\n");
        let mut state = FamilyState::new(Dialect::Text);
        let mut reader = TextReader::new(body.as_bytes());
        while let Ok(Some(entry)) = reader.next() {
            assert_eq!(state.add(body.as_bytes(), 0, &entry, &reader), []);
        }
        assert_eq!(state.histograms.capacity(), 0);
    }
}
