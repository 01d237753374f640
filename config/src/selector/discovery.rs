//! Settings for service discovery: labels, interval and timeout of a target.

use crate::key::Key;
use crate::table::{Named, Table};
use crate::write::TableWriter;
use std::collections::BTreeMap;
use std::time::Duration;

/// Labels that the exporter sets itself: the one that distinguishes selectors, and those of the keys
/// `scrape_interval` and `scrape_timeout`.
const OWN: [&str; 3] = ["selector", "__scrape_interval__", "__scrape_timeout__"];
/// Prefixes of labels that begin with `__` and are allowed. Prometheus drops the first after
/// relabelling, for its users to work with. The others configure the scrape of a target, such as
/// `__scrape_native_histograms__` and `__convert_classic_histograms_to_nhcb__` (Prometheus 3.13).
const ALLOWED: [&str; 4] = ["__meta_", "__scrape_", "__always_scrape_", "__convert_"];
/// The prefix of those that the exporter sets itself.
const OWN_META: &str = "__meta_local_exporter_";
const LABEL_EXPECTED: &str = "letters, digits and `_`, no digit first, and no label that the \
    exporter or Prometheus sets itself";
const LABEL_VALUE_EXPECTED: &str = "a string that is not empty";

/// Settings for service discovery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// Labels of the target, by name.
    pub labels: BTreeMap<String, String>,
    /// How often Prometheus scrapes it.
    pub scrape_interval: Option<Duration>,
    /// How long Prometheus waits for a scrape; not longer than the interval.
    pub scrape_timeout: Option<Duration>,
}

impl Discovery {
    pub(crate) const KEYS: &[Key] = &[
        Key::table(
            "labels",
            "Labels that service discovery gives to the target.",
        ),
        Key::absent::<Duration>(
            "scrape_interval",
            "How often Prometheus scrapes the target. Without it, as its own configuration says.",
        ),
        Key::absent::<Duration>(
            "scrape_timeout",
            "How long Prometheus waits for a scrape; not longer than `scrape_interval`. Without \
             it, as its own configuration says.",
        ),
    ];

    pub(crate) fn read(table: &mut Table<'_, '_>) -> Self {
        let labels = read_labels(table.table("labels"));
        let scrape_interval = table.take::<Duration>("scrape_interval");
        let scrape_timeout = table.take::<Duration>("scrape_timeout");
        if let (Some(interval), Some(timeout)) = (scrape_interval, scrape_timeout)
            && timeout > interval
        {
            let found = "longer than scrape_interval".to_owned();
            let expected = "at most that, since Prometheus drops such targets";
            table.reject_valid("scrape_timeout", found, expected);
        }
        Self {
            labels,
            scrape_interval,
            scrape_timeout,
        }
    }

    pub(crate) fn write(&self, table: &mut TableWriter) {
        let Self {
            labels,
            scrape_interval,
            scrape_timeout,
        } = self;
        table.put_some("scrape_interval", scrape_interval.as_ref());
        table.put_some("scrape_timeout", scrape_timeout.as_ref());
        let mut names = TableWriter::default();
        for (name, value) in labels {
            names.put(name, value);
        }
        table.put_table("labels", names);
    }
}

fn read_labels(table: Table<'_, '_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, named) in table.into_named() {
        if !is_label(&name) {
            named.reject(format!("the label {name:?}"), LABEL_EXPECTED);
        }
        let value = match named {
            Named::Single(single) => single.read::<String>(),
            Named::Table(_) => {
                named.reject("a table".to_owned(), LABEL_VALUE_EXPECTED);
                None
            }
        };
        labels.extend(value.map(|value| (name, value)));
    }
    labels
}

/// Returns whether Prometheus accepts a label and the exporter does not set it itself.
fn is_label(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(fits);
    let is_allowed = ALLOWED.iter().any(|prefix| name.starts_with(prefix));
    let reserved = (name.starts_with("__") && !is_allowed) || name.starts_with(OWN_META);
    named && !reserved && !OWN.contains(&name)
}
