//! Bodies with verdicts, served to a real Prometheus: it ingests what the bridge accepts, and never receives a body that
//! it would refuse.
//!
//! Our own bodies are in `actors/exposition/tests/corpus`; a larger collection is used if it is present.

mod generated;
mod protobuf;

use crate::prometheus::Prometheus;
use crate::support::{Exporter, quoted, until};
use local_exporter_skip::skip;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One body and its verdicts.
struct Case {
    name: String,
    body: PathBuf,
    /// Whether Prometheus 3.5 ingests it, and so the bridge serves it.
    ingested: bool,
    /// Whether the installed Prometheus 2.42 ingests it when it is served.
    ingested_by_installed: bool,
}

/// Our own bodies in the text-based formats, with the verdict `ingest`. Prometheus 2.42 requests no protobuf.
fn own_cases() -> Vec<(Case, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("actors/exposition/tests/corpus");
    let table = std::fs::read_to_string(folder.join("verdicts.tsv")).unwrap();
    let lines = table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("protobuf/"));
    let case = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let case = Case {
            name: columns[0].to_owned(),
            body: folder.join(columns[0]),
            ingested: columns[1] == "ok",
            ingested_by_installed: columns[4] == "ingested",
        };
        (case, columns[1].to_owned())
    };
    lines.map(case).collect()
}

/// The collection beside the repository, whose verdicts are those of a Prometheus 3.5.
fn shared_cases() -> Option<Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let verdicts = std::fs::read_to_string(folder.join("verdicts.json")).ok()?;
    let verdicts: Value = serde_json::from_str(&verdicts).unwrap();
    let case = |(name, verdict): (&String, &Value)| {
        let ingested = verdict["verdict"] == "ingested";
        Case {
            name: name.clone(),
            body: folder.join(name),
            ingested,
            ingested_by_installed: ingested && !NEWER_THAN_DEBIAN.contains(&&**name),
        }
    };
    Some(verdicts.as_object().unwrap().iter().map(case).collect())
}

/// Debian's Prometheus 2.42 refuses these although 3.5 ingests them, and its requests do not show it.
const NEWER_THAN_DEBIAN: &[&str] = &[
    // 2.42 accepts exemplars on fewer kinds of samples.
    "om/openmetrics__bad_exemplars_on_unallowed_metric_types_0",
    "om/openmetrics__bad_exemplars_on_unallowed_metric_types_2",
    "om/openmetrics__bad_exemplars_on_unallowed_samples_3",
    // 2.42 accepts no comma after the last label.
    "om/openmetrics__bad_missing_or_extra_commas_2",
    // An empty body, which only `allow_empty` lets pass.
    "om/openmetrics__bad_no_eof",
    "om/prom-omparse__002",
];

/// Selectors `c0`, `c1` and so on, one per case, in the case's format.
fn config(cases: &[Case], check: &str) -> String {
    let mut text = "[bridge.selectors]\n".to_owned();
    for (index, case) in cases.iter().enumerate() {
        let format = if case.name.starts_with("text/") {
            "text"
        } else {
            "openmetrics"
        };
        let path = quoted(&case.body);
        writeln!(
            text,
            "c{index} = {{ kind = \"file\", path = {path}, format = \"{format}\", check = \"{check}\", allow_empty = true, escaping = \"refuse\" }}"
        )
        .unwrap();
    }
    text
}

fn scrape_config(address: &str, count: usize) -> String {
    let mut text = "global: {scrape_interval: 1s, scrape_timeout: 1s}\n\
                    scrape_configs:\n- job_name: corpus\n  metrics_path: /bridge\n  \
                    honor_timestamps: false\n  relabel_configs:\n  \
                    - {source_labels: [__param_selector], target_label: selector}\n  \
                    static_configs:\n"
        .to_owned();
    for index in 0..count {
        writeln!(
            text,
            "  - {{targets: [\"{address}\"], labels: {{__param_selector: c{index}}}}}"
        )
        .unwrap();
    }
    text
}

/// A bridge with a selector per case, and a Prometheus that has scraped each of them.
struct Scene {
    exporter: Exporter,
    prometheus: Prometheus,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn start(cases: &[Case], check: &str) -> Self {
        let exporter = Exporter::start(&config(cases, check));
        let folder = tempfile::tempdir().unwrap();
        let address = exporter.address().to_owned();
        let prometheus = Prometheus::start(folder.path(), &scrape_config(&address, cases.len()));
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        let all = cases.len() as f64;
        until("every case was scraped", || {
            prometheus.query("count(up)") == Some(all)
        });
        Self {
            exporter,
            prometheus,
            _folder: folder,
        }
    }

    /// Whether Prometheus ingested the case with this index.
    fn is_up(&self, index: usize) -> bool {
        let query = format!("up{{selector=\"c{index}\"}}");
        self.prometheus.query(&query) == Some(1.0)
    }
}

fn served_bodies_are_ingested(cases: &[Case]) {
    let scene = Scene::start(cases, "ingest");
    let mut wrong = Vec::new();
    let mut accepted = 0;
    for (index, case) in cases.iter().enumerate() {
        let reply = scene.exporter.scrape(&format!("c{index}"));
        let text = reply.text();
        let served = reply.status == 200;
        let quoted_names = text.contains(": utf8_names: ");
        if served != case.ingested && !(case.ingested && quoted_names) {
            wrong.push(format!(
                "{}: ingested {}, but {text}",
                case.name, case.ingested
            ));
        }
        if served && reply.body != std::fs::read(&case.body).unwrap() {
            wrong.push(format!("{}: the bytes were changed", case.name));
        }
        let up = scene.is_up(index);
        if up != (served && case.ingested_by_installed) {
            wrong.push(format!("{}: served {served}, up {up}", case.name));
        }
        accepted += usize::from(served);
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let refused = cases.len() - accepted;
    println!("{accepted} bodies were served, {refused} were refused");
}

/// Truncated bodies are not among them: a file may lack its final newline.
#[test]
fn prometheus_ingests_our_bodies_if_the_bridge_serves_them() {
    let cases = own_cases().into_iter();
    let cases = cases.filter(|(_, verdict)| verdict == "ok" || verdict.starts_with("malformed"));
    let cases: Vec<Case> = cases.map(|(case, _)| case).collect();
    assert!(cases.len() > 130, "only {} bodies", cases.len());
    served_bodies_are_ingested(&cases);
}

#[test]
fn prometheus_ingests_every_served_body_and_receives_no_bad_one() {
    let Some(cases) = shared_cases() else {
        skip("../shared/corpus does not exist beside this repository");
        return;
    };
    served_bodies_are_ingested(&cases);
}

/// With `check = "none"` the bridge serves each body, except those with names that 2.42 does not accept in its request.
#[test]
fn verdicts_are_those_of_the_installed_prometheus() {
    let version = Command::new("prometheus")
        .arg("--version")
        .output()
        .unwrap();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    if !version.contains("version 2.42.") {
        skip("the verdicts of our bodies are those of Prometheus 2.42, which is not installed");
        return;
    }
    let cases: Vec<Case> = own_cases().into_iter().map(|(case, _)| case).collect();
    let scene = Scene::start(&cases, "none");
    let differs =
        |(index, case): &(usize, &Case)| scene.is_up(*index) != case.ingested_by_installed;
    let wrong = cases.iter().enumerate().filter(differs);
    let wrong: Vec<&str> = wrong.map(|(_, case)| &*case.name).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
