//! A family that says which of a closed set states: a series for each of them, 1 for that one.
//!
//! Made when somebody looks. Five handles for each of two thousand selectors take
//! megabytes, and change so seldom that a lock is no cost.

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One family; its clones are the same.
#[derive(Clone, Debug)]
pub(super) struct StateSet {
    desc: Desc,
    /// What the label of the set is called.
    label: &'static str,
    set: Vec<&'static str>,
    states: Arc<Mutex<BTreeMap<String, &'static str>>>,
}

impl StateSet {
    /// A family by `selector` and by `label`, of which `set` are all values.
    ///
    /// # Errors
    /// When the name is none.
    pub(super) fn new(
        name: &str,
        help: &str,
        label: &'static str,
        set: impl IntoIterator<Item = &'static str>,
    ) -> prometheus::Result<Self> {
        let labels = vec!["selector".to_owned(), label.to_owned()];
        Ok(Self {
            desc: Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())?,
            label,
            set: set.into_iter().collect(),
            states: Arc::default(),
        })
    }

    /// Says that `value` holds of a selector, and nothing else.
    pub(super) fn set(&self, selector: &str, value: &'static str) {
        let mut states = self.states();
        match states.get_mut(selector) {
            Some(held) => *held = value,
            None => drop(states.insert(selector.to_owned(), value)),
        }
    }

    /// Says nothing of a selector any more.
    pub(super) fn remove(&self, selector: &str) {
        self.states().remove(selector);
    }

    /// A failed lock only means that a panic passed by; what it guards is whole all the same.
    fn states(&self) -> MutexGuard<'_, BTreeMap<String, &'static str>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn series(&self, selector: &str, value: &str, held: &str) -> Metric {
        let mut pairs = [("selector", selector), (self.label, value)];
        pairs.sort_unstable();
        let pairs = pairs.map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name(name.to_owned());
            pair.set_value(value.to_owned());
            pair
        });
        let mut gauge = Gauge::default();
        gauge.set_value(f64::from(u8::from(value == held)));
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
        let states = self.states();
        let series = states.iter().flat_map(|(selector, held)| {
            let set = self.set.iter();
            set.map(|value| self.series(selector, value, held))
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
    fn one_holds_and_the_others_do_not_until_it_is_forgotten() {
        let registry = Registry::new();
        let family = StateSet::new("mood", "How it feels.", "mood", ["good", "bad"]).unwrap();
        registry.register(Box::new(family.clone())).unwrap();
        let text = || TextEncoder::new().encode_to_string(&registry.gather());
        assert_eq!(text().unwrap(), "");
        family.set("it", "good");
        family.set("a", "good");
        family.set("it", "bad");
        family.remove("a");
        let expected = "# HELP mood How it feels.\n# TYPE mood gauge\n\
                        mood{mood=\"bad\",selector=\"it\"} 1\n\
                        mood{mood=\"good\",selector=\"it\"} 0\n";
        assert_eq!(text().unwrap(), expected);
        family.remove("it");
        assert_eq!(text().unwrap(), "");
    }
}
