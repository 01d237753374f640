//! Several files as one body: what is joined, left out, kept and reported.

use crate::support::{Exporter, quoted, until};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// An exporter with one selector `it` for the directory, and the directory.
fn directory(more: &str) -> (Exporter, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = quoted(folder.path());
    let config = format!("[bridge.selectors]\nit = {{ kind = \"file\", path = {path}{more} }}\n");
    (Exporter::start(&config), folder)
}

/// Writes a temporary file and renames it, as daemons should.
fn put(folder: &Path, name: &str, text: &str) {
    let temporary = folder.join("temporary");
    std::fs::write(&temporary, text).unwrap();
    std::fs::rename(temporary, folder.join(name)).unwrap();
}

#[track_caller]
fn serves(exporter: &Exporter, body: &str) {
    until(body, || exporter.scrape("it").text() == body);
    assert_eq!(exporter.scrape("it").status, 200);
}

fn file_error(exporter: &Exporter, folder: &Path, name: &str) -> Option<f64> {
    let path = folder.join(name);
    let path = path.display();
    exporter.metric(&format!(
        "local_exporter_file_error{{file=\"{path}\",selector=\"it\"}}"
    ))
}

/// Each folder of `tests/fixtures/files` is copied into a directory. The body equals the file
/// `expected` beside it, byte for byte.
#[test]
fn the_golden_folders_are_joined_as_expected() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/files");
    let mut tried = 0;
    for case in std::fs::read_dir(&golden).unwrap() {
        let case = case.unwrap().path();
        let (exporter, folder) = directory("");
        for file in std::fs::read_dir(&case).unwrap() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_str().unwrap();
            if name != "expected" {
                std::fs::copy(&file, folder.path().join(name)).unwrap();
            }
        }
        let expected = std::fs::read_to_string(case.join("expected")).unwrap();
        println!("{}", case.display());
        serves(&exporter, &expected);
        tried += 1;
    }
    assert!(tried >= 6, "only {tried} folders were found");
}

#[test]
fn a_bad_file_is_left_out_and_named_and_the_others_are_served() {
    let (exporter, folder) = directory(", keep_last_good = \"0s\"");
    put(folder.path(), "a.prom", "a 1\n");
    put(folder.path(), "b.prom", "b 1\n");
    put(folder.path(), "c.prom", "c 1\n");
    serves(&exporter, "a 1\nb 1\nc 1\n");
    put(folder.path(), "b.prom", "b nonsense\n");
    serves(&exporter, "a 1\nc 1\n");
    assert_eq!(file_error(&exporter, folder.path(), "a.prom"), Some(0.0));
    assert_eq!(file_error(&exporter, folder.path(), "b.prom"), Some(1.0));
    let actor = exporter.actor("it");
    let b = &actor["cache"]["files"][1];
    assert_eq!(b["served"], false, "{actor}");
    let message = b["error"].as_str().unwrap();
    assert!(
        message.contains("malformed") && message.contains("line 1, column 3"),
        "{message}"
    );

    std::fs::create_dir(folder.path().join("d.prom")).unwrap();
    std::os::unix::fs::symlink("e.prom", folder.path().join("e.prom")).unwrap();
    until("a directory is reported", || {
        file_error(&exporter, folder.path(), "d.prom") == Some(1.0)
    });
    until("a loop of links is reported", || {
        file_error(&exporter, folder.path(), "e.prom") == Some(1.0)
    });
    serves(&exporter, "a 1\nc 1\n");

    std::fs::remove_file(folder.path().join("b.prom")).unwrap();
    until("the series of the removed file is gone", || {
        file_error(&exporter, folder.path(), "b.prom").is_none()
    });
}

#[test]
fn with_strict_files_one_bad_file_fails_the_selector() {
    let (exporter, folder) = directory(", strict_files = true, keep_last_good = \"0s\"");
    put(folder.path(), "a.prom", "# TYPE a gauge\na 1\n");
    put(folder.path(), "b.prom", "b 1\n");
    serves(&exporter, "# TYPE a gauge\na 1\nb 1\n");
    put(folder.path(), "b.prom", "b nonsense\n");
    until("the selector fails", || exporter.scrape("it").status == 502);
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "malformed");
    assert!(reply.text().contains("b.prom"), "{}", reply.text());
    put(folder.path(), "b.prom", "# TYPE a counter\na 2\n");
    until("the selector fails for another reason", || {
        exporter.scrape("it").text().contains("a.prom")
    });
    exporter.scrape("it").assert_error(502, "it", "malformed");
}

#[test]
fn the_last_good_body_is_served_while_a_newer_version_is_bad() {
    let (exporter, folder) = directory("");
    put(folder.path(), "a.prom", "a 1\n");
    serves(&exporter, "a 1\n");
    put(folder.path(), "a.prom", "a nonse");
    until("the error is reported", || {
        file_error(&exporter, folder.path(), "a.prom") == Some(1.0)
    });
    let reply = exporter.scrape("it");
    assert_eq!((reply.status, reply.text().as_str()), (200, "a 1\n"));
    let file = exporter.actor("it")["cache"]["files"][0].clone();
    assert_eq!(file["served"], true, "{file}");
    put(folder.path(), "a.prom", "a 2\n");
    serves(&exporter, "a 2\n");

    put(folder.path(), "a.prom", "a nonse");
    until("the error is reported again", || {
        file_error(&exporter, folder.path(), "a.prom") == Some(1.0)
    });
    std::fs::remove_file(folder.path().join("a.prom")).unwrap();
    until("the removed file is not served", || {
        exporter.scrape("it").status == 502
    });
    exporter.scrape("it").assert_error(502, "it", "absent");
}

#[test]
fn a_kept_body_expires_without_an_event() {
    let (exporter, folder) = directory(", keep_last_good = \"200ms\", refresh = \"1h\"");
    put(folder.path(), "a.prom", "a 1\n");
    serves(&exporter, "a 1\n");
    put(folder.path(), "a.prom", "a nonsense\n");
    until("keep_last_good ends without an event or the timer", || {
        exporter.scrape("it").status == 502
    });
    exporter.scrape("it").assert_error(502, "it", "malformed");
}

#[test]
fn a_body_older_than_max_age_is_stale_without_an_event() {
    let (exporter, folder) = directory(", max_age = \"1s\", refresh = \"1h\"");
    put(folder.path(), "a.prom", "a 1\n");
    serves(&exporter, "a 1\n");
    until("the file is stale", || exporter.scrape("it").status == 502);
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "stale");
    assert!(reply.text().contains("max_age is 1s"), "{}", reply.text());
    put(folder.path(), "a.prom", "a 2\n");
    serves(&exporter, "a 2\n");
}

#[test]
fn age_and_duplicates_and_missing_newlines_are_metrics() {
    let (exporter, folder) = directory("");
    put(folder.path(), "a.prom", "# TYPE x gauge\nx 1\ny{a=\"b\"} 1");
    put(folder.path(), "b.prom", "x 2\ny{a=\"b\"} 2\ny{a=\"c\"} 3\n");
    put(folder.path(), "c.prom", "# TYPE x counter\nx 9\nz 1\n");
    serves(
        &exporter,
        "# TYPE x gauge\nx 1\ny{a=\"b\"} 1\ny{a=\"c\"} 3\nz 1\n",
    );
    let metric =
        |name: &str| exporter.metric(&format!("local_exporter_file_{name}{{selector=\"it\"}}"));
    until("all three are read", || metric("conflicts") == Some(1.0));
    assert_eq!(metric("duplicate_series"), Some(2.0));
    assert!(metric("missing_final_newlines_total") >= Some(1.0));
    assert!(metric("age_seconds") >= Some(0.0) && metric("age_seconds") < Some(60.0));
    assert_eq!(file_error(&exporter, folder.path(), "c.prom"), Some(1.0));
    let duplicates = exporter.actor("it")["cache"]["duplicates"].to_string();
    for named in ["b.prom", "a.prom", "x", "y"] {
        assert!(duplicates.contains(named), "{duplicates}");
    }
    let conflict = exporter.actor("it")["cache"]["conflicts"][0].to_string();
    assert!(
        conflict.contains("c.prom") && conflict.contains("a.prom"),
        "{conflict}"
    );
    until("the conflict is logged", || {
        exporter
            .log()
            .iter()
            .any(|line| line.contains("file has an error"))
    });
}

#[test]
fn the_pattern_selects_names() {
    let (exporter, folder) = directory(", pattern = [\"*.metrics\", \"node-?.txt\"]");
    put(folder.path(), "a.prom", "a 1\n");
    put(folder.path(), "b.metrics", "b 1\n");
    put(folder.path(), "node-1.txt", "c 1\n");
    put(folder.path(), "node-10.txt", "d 1\n");
    put(folder.path(), ".e.metrics", "e 1\n");
    serves(&exporter, "b 1\nc 1\n");
    // A scan that is reported may have found a temporary file.
    let expected = [".e.metrics", "a.prom", "node-10.txt"].map(|name| folder.path().join(name));
    until("the other files are reported as skipped", || {
        let actor = exporter.actor("it");
        let Some(over) = actor["cache"]["passed_over"].as_array() else {
            return false;
        };
        let over = over.iter();
        let files = over.map(|over| PathBuf::from(over["file"].as_str().unwrap()));
        files.collect::<BTreeSet<_>>() == BTreeSet::from(expected.clone())
    });
}

#[test]
fn debug_true_lists_rejected_files_conflicts_and_duplicates() {
    let (exporter, folder) = directory("");
    put(folder.path(), "a.prom", "# TYPE x gauge\nx 1\ny 1\n");
    put(folder.path(), "b.prom", "y 2\nz 1\n");
    put(folder.path(), "c.prom", "# TYPE x counter\nx 9\n");
    put(folder.path(), "d.prom", "d nonsense\n");
    let expected = [
        ("msg=\"file has an error\" served=false", "d.prom"),
        ("msg=conflict", "c.prom"),
        ("msg=\"duplicate series\"", "b.prom"),
    ];
    for (event, file) in expected {
        until(event, || {
            let text = exporter.get("/bridge?selector=it&debug=true").text();
            let mut lines = text.lines();
            lines.any(|line| line.contains(event) && line.contains(file))
        });
    }
}

#[test]
fn duplicates_are_logged_at_level_debug() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a.prom", "y 1\n");
    put(folder.path(), "b.prom", "y 2\n");
    let mut command = crate::support::program();
    command.arg("--log.level=debug");
    let path = quoted(folder.path());
    let config = format!("[bridge.selectors]\nit = {{ kind = \"file\", path = {path} }}\n");
    let exporter = Exporter::start_as(command, &config);
    until("the duplicate is logged", || {
        let log = exporter.log();
        let mut lines = log.iter();
        lines.any(|line| line.contains("an earlier file has it") && line.contains("b.prom"))
    });
}

#[test]
fn file_metrics_adds_the_modification_time_of_each_file() {
    let (exporter, folder) = directory(", file_metrics = true");
    put(folder.path(), "a.prom", "a 1\n");
    put(folder.path(), "b.prom", "b 1\n");
    let metric = |name: &str| {
        let path = folder.path().join(name);
        let path = path.display();
        exporter.metric(&format!(
            "local_exporter_file_modified_timestamp_seconds{{file=\"{path}\",selector=\"it\"}}"
        ))
    };
    let modified = |name: &str| {
        let modified = folder.path().join(name).metadata().unwrap().modified();
        let since = modified.unwrap().duration_since(std::time::UNIX_EPOCH);
        since.unwrap().as_secs_f64()
    };
    for name in ["a.prom", "b.prom"] {
        until(name, || {
            metric(name).is_some_and(|value| (value - modified(name)).abs() < 0.001)
        });
    }
    std::fs::remove_file(folder.path().join("b.prom")).unwrap();
    until("the series of the removed file is gone", || {
        metric("b.prom").is_none()
    });
    assert!(metric("a.prom").is_some());

    let (exporter, folder) = directory("");
    put(folder.path(), "a.prom", "a 1\n");
    serves(&exporter, "a 1\n");
    assert!(
        !exporter
            .get("/metrics")
            .text()
            .contains("file_modified_timestamp")
    );
}
