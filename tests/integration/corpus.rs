//! The collected parser cases, where they are at hand, through the bridge and
//! into a real Prometheus: it ingests what it is given, and is never given a bad one.

use crate::prometheus::Prometheus;
use crate::support::{Exporter, quoted, until};
use local_exporter_skip::skip;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// One body and what a Prometheus 3.5 made of it.
struct Case {
    name: String,
    body: PathBuf,
    ingested: bool,
}

fn cases() -> Option<Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let verdicts = std::fs::read_to_string(folder.join("verdicts.json")).ok()?;
    let verdicts: Value = serde_json::from_str(&verdicts).unwrap();
    let case = |(name, verdict): (&String, &Value)| Case {
        name: name.clone(),
        body: folder.join(name),
        ingested: verdict["verdict"] == "ingested",
    };
    Some(verdicts.as_object().unwrap().iter().map(case).collect())
}

/// Selectors `c0`, `c1` and so on, one a case, read in the format the case is of.
fn config(cases: &[Case]) -> String {
    let mut text = "[bridge.selectors]\n".to_owned();
    for (index, case) in cases.iter().enumerate() {
        let format = if case.name.starts_with("om/") {
            "openmetrics"
        } else {
            "text"
        };
        let path = quoted(&case.body);
        writeln!(
            text,
            "c{index} = {{ kind = \"file\", path = {path}, format = \"{format}\", allow_empty = true }}"
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

/// Debian's Prometheus 2.42 refuses these although 3.5 ingests them, and says
/// nothing in its requests by which the bridge could know.
const NEWER_THAN_DEBIAN: &[&str] = &[
    // 2.42 takes exemplars on fewer kinds of samples.
    "om/openmetrics__bad_exemplars_on_unallowed_metric_types_0",
    "om/openmetrics__bad_exemplars_on_unallowed_metric_types_2",
    "om/openmetrics__bad_exemplars_on_unallowed_samples_3",
    // 2.42 knows no comma after the last label.
    "om/openmetrics__bad_missing_or_extra_commas_2",
    // No bytes at all, which only `allow_empty` lets pass.
    "om/openmetrics__bad_no_eof",
    "om/prom-omparse__002",
];

#[test]
fn prometheus_ingests_what_the_bridge_serves_and_never_gets_a_bad_one() {
    let Some(cases) = cases() else {
        skip("../shared/corpus does not exist beside this repository");
        return;
    };
    let exporter = Exporter::start(&config(&cases));
    let folder = tempfile::tempdir().unwrap();
    let address = exporter.address().to_owned();
    let prometheus = Prometheus::start(folder.path(), &scrape_config(&address, cases.len()));
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let all = cases.len() as f64;
    until("every case was scraped", || {
        prometheus.query("count(up)") == Some(all)
    });

    let mut wrong = Vec::new();
    let (mut good, mut bad) = (0, 0);
    for (index, case) in cases.iter().enumerate() {
        let selector = format!("c{index}");
        let reply = exporter.scrape(&selector);
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
        let up = prometheus.query(&format!("up{{selector=\"{selector}\"}}")) == Some(1.0);
        let too_new = NEWER_THAN_DEBIAN.contains(&&*case.name);
        if up != (served && !too_new) {
            wrong.push(format!("{}: served {served}, up {up}", case.name));
        }
        if served { good += 1 } else { bad += 1 }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!("{good} bodies were served, {bad} were refused");
}
