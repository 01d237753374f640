//! `?debug=true`: the text that explains a scrape.

use crate::support::{Exporter, quoted, until};
use local_exporter_config::{Environment, Input, load};

/// The three parts, without their headings.
fn parts(text: &str) -> [String; 3] {
    let rest = text.strip_prefix("Logs for the scrape:\n").unwrap();
    let (log, rest) = rest
        .split_once("\n\n\nMetrics that would have been returned:\n")
        .unwrap();
    let (body, settings) = rest.split_once("\n\n\nSelector configuration:\n").unwrap();
    [log, body, settings].map(str::to_owned)
}

#[test]
fn a_successful_scrape_is_explained_with_its_body_and_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.prom");
    std::fs::write(&file, "# TYPE a counter\na 1\nb 2\n").unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors.it]\nkind = \"file\"\npath = {}\nmax_bytes = 1000\nlabels = {{ team = \"x\" }}\n",
        quoted(&file)
    ));
    until("the file is served", || exporter.scrape("it").status == 200);
    let reply = exporter.get("/bridge?selector=it&debug=true");
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let [log, body, settings] = parts(&reply.text());
    let lines: Vec<_> = log.lines().collect();
    assert!(
        lines[0].contains("level=info msg=\"scrape started\" selector=it kind=file"),
        "{log}"
    );
    assert!(
        lines[0].ends_with("deadline_seconds=3 deadline_by=timeout"),
        "{log}"
    );
    assert!(
        lines[1].contains("format=text bytes=25 samples=2 families=1 cached_seconds=0"),
        "{log}"
    );
    assert!(lines[2].contains("state=running restarts=0"), "{log}");
    assert_eq!(body, "# TYPE a counter\na 1\nb 2\n");
    for line in [
        "[bridge.selectors.it]",
        "kind = \"file\"",
        "pattern = [\"*.prom\", \"*.promfile\"]",
        "max_bytes = 1000",
        "check = \"ingest\"",
        "keep_last_good = \"1m\"",
        "[bridge.selectors.it.labels]",
        "team = \"x\"",
    ] {
        assert!(
            settings.lines().any(|found| found == line),
            "{line} is not in\n{settings}"
        );
    }
    let loaded = load(
        Some(&Input {
            name: "displayed".into(),
            text: settings,
        }),
        &Environment::new(),
    );
    assert_eq!(loaded.unwrap().selectors.len(), 1);
    // It counts as a scrape.
    let scrapes = "local_exporter_bridge_scrapes_total{selector=\"it\"}";
    assert!(exporter.metric(scrapes) >= Some(2.0));
}

#[test]
fn a_failed_scrape_is_explained_with_its_reason_and_without_a_body() {
    let exporter =
        Exporter::start("[bridge.selectors]\nit = { kind = \"uds\", path = \"/nowhere/sock\" }\n");
    let reply = exporter.get("/bridge?debug=true&selector=it");
    assert_eq!(reply.status, 200);
    let [log, body, settings] = parts(&reply.text());
    assert!(log.contains("level=error msg=\"scrape failed\""), "{log}");
    assert!(
        log.contains("reason=absent error=\"cannot connect to /nowhere/sock"),
        "{log}"
    );
    assert_eq!(body, "none\n");
    assert!(
        settings.contains("path = \"/nowhere/sock\"\n"),
        "{settings}"
    );
    exporter.scrape("it").assert_error(502, "it", "absent");
    assert_eq!(exporter.get("/bridge?debug=true").status, 400);
    assert_eq!(exporter.get("/bridge?debug=true&selector=x").status, 404);
}

#[test]
fn the_size_of_a_shown_body_is_limited() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.prom");
    let body: String = (0..200_000)
        .map(|n| format!("sample{{n=\"{n}\"}} {n}\n"))
        .collect();
    std::fs::write(&file, &body).unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {} }}\n",
        quoted(&file)
    ));
    until("the file is served", || exporter.scrape("it").status == 200);
    let text = exporter.get("/bridge?selector=it&debug=true").text();
    assert!(text.len() < 1024 * 1024 + 8192, "{}", text.len());
    let end = format!("… {} bytes in total\n", body.len());
    assert!(parts(&text)[1].ends_with(&end));
}
