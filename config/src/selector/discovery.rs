//! What Prometheus is told of a selector: how that is written.

use super::Discovery;
use crate::table::{Named, Table};
use std::collections::BTreeMap;
use std::time::Duration;

/// The one label that tells the selectors of an exporter apart.
const OWN_LABEL: &str = "selector";
/// Labels that Prometheus forgets once it has relabelled, for its users to work with.
const META: &str = "__meta_";
/// Those of them that the exporter sets itself.
const OWN_META: &str = "__meta_local_exporter_";
const LABEL_EXPECTED: &str = "letters, digits and `_`, no digit first, and no label that the \
    exporter or Prometheus sets itself";

impl Discovery {
    pub(super) fn read(table: &mut Table<'_, '_>) -> Self {
        let labels = read_labels(table.table("labels"));
        let scrape_interval = table.take::<Duration>("scrape_interval");
        let scrape_timeout = table.take::<Duration>("scrape_timeout");
        if let (Some(interval), Some(timeout)) = (scrape_interval, scrape_timeout)
            && timeout > interval
        {
            let found = "longer than the scrape_interval".to_owned();
            table.complain(
                "scrape_timeout",
                found,
                "at most that: Prometheus drops such a target",
            );
        }
        Self {
            labels,
            scrape_interval,
            scrape_timeout,
        }
    }
}

fn read_labels(table: Table<'_, '_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, named) in table.into_named() {
        if !is_label(&name) {
            named.complain(format!("the label {name:?}"), LABEL_EXPECTED);
        }
        let value = match named {
            Named::Single(single) => single.read::<String>(),
            Named::Table(_) => {
                named.complain("a table".to_owned(), "a string that is not empty");
                None
            }
        };
        labels.extend(value.map(|value| (name, value)));
    }
    labels
}

/// Whether Prometheus takes a label, and the exporter does not set it itself.
fn is_label(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(fits);
    let reserved = name.starts_with("__") && !name.starts_with(META);
    named && !reserved && name != OWN_LABEL && !name.starts_with(OWN_META)
}
