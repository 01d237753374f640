//! `docs/src/metrics.md` has every family of `/metrics`, with its type and its labels.

use super::table::{code, rows};
use super::text;
use crate::support::{Exporter, until};
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = "docs/src/metrics.md";

/// The families of an exporter in which each has a series.
fn families() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.prom"), "a 1 1700000000000\n").unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors]\nfiles = {{ kind = \"file\", path = {:?}, file_metrics = true }}\nabsent = {{ kind = \"uds\", path = \"/nowhere/socket\" }}\n",
        folder.path()
    ));
    until("the file is served", || {
        exporter.scrape("files").status == 200
    });
    assert_eq!(exporter.scrape("absent").status, 502);
    until("the files are described", || {
        exporter
            .metric("local_exporter_file_age_seconds{selector=\"files\"}")
            .is_some()
    });
    let page = exporter.get("/metrics").text();
    let mut found = BTreeMap::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            found.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = |suffix| name.strip_suffix(suffix).unwrap_or(name);
            let names = [name, family("_bucket"), family("_sum"), family("_count")];
            let name = names.into_iter().find(|name| found.contains_key(*name));
            let (_, labels) = found.get_mut(name.unwrap()).unwrap();
            labels.extend(label_names(line));
        }
    }
    found
}

/// The names of the labels of a sample, but for the one that histograms add.
fn label_names(line: &str) -> Vec<String> {
    let Some((_, rest)) = line.split_once('{') else {
        return Vec::new();
    };
    rest.split("=\"")
        .map(|part| part.rsplit(['{', ',', '"']).next().unwrap().to_owned())
        .filter(|name| !name.is_empty() && name != "le" && !name.starts_with('}'))
        .collect()
}

fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let headings = [
        "## Scrapes and sources",
        "## Files",
        "## Actors",
        "## Configuration and HTTP",
        "## Process",
    ];
    let mut found = BTreeMap::new();
    for row in headings.iter().flat_map(|heading| rows(PAGE, heading)) {
        let (name, labels) = code(&row[0]).split_once('{').unwrap_or((code(&row[0]), ""));
        let labels = labels
            .trim_end_matches('}')
            .split(',')
            .filter(|name| !name.is_empty());
        let labels = labels.map(ToOwned::to_owned).collect();
        assert!(row[2].len() > 10, "{name} has no meaning");
        let before = found.insert(name.to_owned(), (row[1].clone(), labels));
        assert_eq!(before, None, "{name} has two rows");
    }
    found
}

#[test]
fn every_family_has_a_row_with_its_type_and_labels() {
    assert_eq!(documented(), families());
}

/// Of the families about selectors, those without series too.
#[test]
fn every_registered_family_has_a_row() {
    let documented = documented();
    let registry = prometheus::Registry::new();
    let metrics = local_exporter_actors::Metrics::register(&registry).unwrap();
    assert!(metrics.descriptions().len() > 10);
    for family in metrics.descriptions() {
        let labels = family.labels.iter().cloned().collect();
        let expected = (family.kind.as_str().to_owned(), labels);
        assert_eq!(
            documented.get(&family.name),
            Some(&expected),
            "{}",
            family.name
        );
    }
}

#[test]
fn no_metric_is_in_a_table_of_another_page() {
    for page in super::pages() {
        let cells = super::table::first_cells(&page);
        let metric = |cell: &&String| cell.starts_with("`local_exporter_");
        let metrics: Vec<&String> = cells.iter().filter(metric).collect();
        assert!(page == PAGE || metrics.is_empty(), "{page}: {metrics:?}");
    }
}

#[test]
fn alerts_use_metrics_that_exist() {
    let families = families();
    let alerts = text("docs/src/alerts.md");
    let words = alerts.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for word in words.filter(|word| word.starts_with("local_exporter_")) {
        assert!(families.contains_key(word), "{word}");
    }
}

#[test]
fn every_limit_on_clients_has_a_row() {
    let exporter = Exporter::start("");
    let page = exporter.get("/metrics").text();
    let series = "local_exporter_http_limit_reached_total{limit=\"";
    let limits: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix(series))
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    let rows = rows("docs/src/limits.md", "# Limits on clients");
    let documented = rows.iter().map(|row| code(&row[0]).to_owned()).collect();
    assert_eq!(limits, documented);
}
