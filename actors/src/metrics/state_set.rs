//! A family with one series for each value of a closed set: 1 for the current value, else 0.
//!
//! `StateSet` is the term of OpenMetrics. The series are created at collection time: handles
//! for each value would take megabytes with thousands of selectors, and the values change so
//! seldom that a lock costs nothing.

use crate::lock::lock;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

/// One family. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct StateSet {
    desc: Desc,
    /// The name of the label that has the values.
    label: &'static str,
    values: Vec<&'static str>,
    /// The current value of each selector.
    current: Arc<Mutex<BTreeMap<String, &'static str>>>,
}

impl StateSet {
    /// A family by `selector` and `label`, of which `values` are all values.
    ///
    /// # Errors
    /// If the name is not valid.
    pub(super) fn new(
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = &'static str>,
    ) -> prometheus::Result<Self> {
        let labels = vec!["selector".to_owned(), label.to_owned()];
        Ok(Self {
            desc: Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())?,
            label,
            values: values.into_iter().collect(),
            current: Arc::default(),
        })
    }

    /// Sets the current value of a selector.
    pub(super) fn set(&self, selector: &str, value: &'static str) {
        let mut current = lock(&self.current);
        match current.get_mut(selector) {
            Some(current) => *current = value,
            None => drop(current.insert(selector.to_owned(), value)),
        }
    }

    /// Removes the series of a selector.
    pub(super) fn remove(&self, selector: &str) {
        lock(&self.current).remove(selector);
    }

    fn series(&self, selector: &str, value: &str, current: &str) -> Metric {
        let mut pairs = [("selector", selector), (self.label, value)];
        pairs.sort_unstable();
        let pairs = pairs.map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name(name.to_owned());
            pair.set_value(value.to_owned());
            pair
        });
        let mut gauge = Gauge::default();
        gauge.set_value(f64::from(u8::from(value == current)));
        let mut series = Metric::default();
        series.set_label(pairs.to_vec());
        series.set_gauge(gauge);
        series
    }
}

impl Collector for StateSet {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let current = lock(&self.current);
        let series = current.iter().flat_map(|(selector, current)| {
            let values = self.values.iter();
            values.map(|value| self.series(selector, value, current))
        });
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::GAUGE);
        family.set_metric(series.collect());
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use prometheus::{Registry, TextEncoder};

    #[test]
    fn the_current_value_is_1_and_the_others_0_until_the_selector_is_removed() {
        let registry = Registry::new();
        let family = StateSet::new("light", "Its color.", "color", ["green", "red"]).unwrap();
        registry.register(Box::new(family.clone())).unwrap();
        let text = || TextEncoder::new().encode_to_string(&registry.gather());
        assert_eq!(text().unwrap(), "");
        family.set("it", "green");
        family.set("a", "green");
        family.set("it", "red");
        family.remove("a");
        let expected = "# HELP light Its color.\n# TYPE light gauge\n\
                        light{color=\"green\",selector=\"it\"} 0\n\
                        light{color=\"red\",selector=\"it\"} 1\n";
        assert_eq!(text().unwrap(), expected);
        family.remove("it");
        assert_eq!(text().unwrap(), "");
    }
}
