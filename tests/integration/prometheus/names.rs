//! Scrapers that do not support quoted names store the converted ones.

use super::Prometheus;
use crate::support::{Exporter, quoted, until};
use local_exporter_skip::skip;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A histogram and a gauge with quoted names.
const BODY: &str = "# TYPE \"http.duration\" histogram\n\
                    {\"http.duration_bucket\",\"http.route\"=\"/\",le=\"1\"} 2\n\
                    {\"http.duration_bucket\",\"http.route\"=\"/\",le=\"+Inf\"} 3\n\
                    {\"http.duration_sum\",\"http.route\"=\"/\"} 4.5\n\
                    {\"http.duration_count\",\"http.route\"=\"/\"} 3\n\
                    # HELP \"queue.size\" Jobs that wait.\n\
                    # TYPE \"queue.size\" gauge\n\
                    {\"queue.size\",\"job:kind\"=\"mail\"} 7\n";

fn exporter(folder: &Path) -> Exporter {
    let file = folder.join("m.prom");
    std::fs::write(&file, BODY).unwrap();
    Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {} }}\n",
        quoted(&file)
    ))
}

/// A configuration that scrapes the selector directly; `more` are keys of the job.
fn config(exporter: &Exporter, more: &str) -> String {
    format!(
        "scrape_configs:\n- job_name: it\n  scrape_interval: 1s\n  scrape_timeout: 1s\n{more}  \
         metrics_path: /bridge\n  params: {{selector: [it]}}\n  static_configs:\n  \
         - targets: [\"{}\"]\n",
        exporter.address()
    )
}

fn assert_stored(scraper: &Prometheus) {
    until("the target is up", || scraper.query("up") == Some(1.0));
    for (query, expected) in [
        ("http_duration_bucket{http_route=\"/\",le=\"1\"}", 2.0),
        ("http_duration_sum{http_route=\"/\"}", 4.5),
        ("queue_size{job_kind=\"mail\"}", 7.0),
    ] {
        until(query, || scraper.query(query) == Some(expected));
    }
}

/// The Prometheus of the test environment: version 2 supports no quoted names, and version 3 is
/// told not to ask for them.
#[test]
fn a_prometheus_that_does_not_support_quoted_names_stores_converted_ones() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = exporter(folder.path());
    let version = Command::new("prometheus").arg("--version").output();
    let version = version.map(|output| [output.stdout, output.stderr].concat());
    let version = version.unwrap_or_default();
    let is_2 = String::from_utf8_lossy(&version).contains("version 2.");
    let more = match is_2 {
        true => "",
        false => "  metric_name_escaping_scheme: underscores\n",
    };
    assert_stored(&Prometheus::start(folder.path(), &config(&exporter, more)));
}

#[test]
fn victoria_metrics_stores_converted_names() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let exporter = exporter(folder.path());
    let mut command = Command::new("victoria-metrics");
    let data = folder.path().join("data");
    command
        .arg(format!("-storageDataPath={}", data.display()))
        // New samples are part of a query at once.
        .arg("-search.latencyOffset=0s");
    let scraper = Prometheus::start_as(
        command,
        ("-promscrape.config", "-httpListenAddr"),
        "/health",
        folder.path(),
        &config(&exporter, ""),
    );
    match scraper {
        Ok(scraper) => assert_stored(&scraper),
        Err(error) => skip(format_args!("victoria-metrics cannot be started: {error}")),
    }
}
