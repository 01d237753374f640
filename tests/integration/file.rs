//! Kind `file`: the cache follows every change of the files.

mod directories;
mod links;
mod names;
mod pacing;
mod pipes;
mod replacing;
mod writes;

use crate::support::{Exporter, exposition, quoted, until};
use local_exporter_daemons::promfile::PromFile;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A refresh timer that never fires during a test: every change is noticed through events.
const NO_TIMER: &str = ", refresh = \"1h\"";

fn exporter(folder: &Path, paths: &[PathBuf], more: &str) -> Exporter {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| quoted(&folder.join(path)))
        .collect();
    let paths = paths.join(", ");
    Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = [{paths}]{more} }}\n"
    ))
}

fn one_file(more: &str) -> (Exporter, PromFile, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = PromFile::new(folder.path().join("metrics.promfile"));
    let exporter = exporter(folder.path(), &["metrics.promfile".into()], more);
    (exporter, file, folder)
}

#[track_caller]
fn serves(exporter: &Exporter, body: &[u8]) {
    let what = String::from_utf8_lossy(body).into_owned();
    until(&what, || exporter.scrape("it").body == body);
}

#[track_caller]
fn fails(exporter: &Exporter, reason: &str) {
    until(reason, || exporter.scrape("it").status != 200);
    exporter.scrape("it").assert_error(502, "it", reason);
}

#[test]
fn the_bytes_are_those_of_the_file_and_carry_their_age() {
    let (exporter, file, _folder) = one_file(NO_TIMER);
    let text = exposition()();
    file.write(&text).unwrap();
    serves(&exporter, &text);
    let reply = exporter.scrape("it");
    assert!(reply.header("age").unwrap().parse::<u64>().is_ok());
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let cache = &exporter.actor("it")["cache"];
    assert_eq!(cache["watch"], "events");
    assert!(cache["age_seconds"].as_f64() >= Some(0.0));
    assert!(cache["mtime"].as_str().unwrap().starts_with("20"));
    let mtime = exporter.metric("local_exporter_file_mtime_timestamp_seconds{selector=\"it\"}");
    let modified = file.path().metadata().unwrap().modified().unwrap();
    let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!((mtime.unwrap() - modified.as_secs_f64()).abs() < 0.001);
}

#[test]
fn the_timer_finds_changes_without_events() {
    // Directories further up are not watched.
    let folder = tempfile::tempdir().unwrap();
    let release = |name: &str| {
        let public = folder.path().join(name).join("public");
        std::fs::create_dir_all(&public).unwrap();
        std::fs::write(public.join("it.prom"), format!("{name} 1\n")).unwrap();
        std::os::unix::fs::symlink(name, folder.path().join("next")).unwrap();
        std::fs::rename(folder.path().join("next"), folder.path().join("current")).unwrap();
    };
    release("one");
    let exporter = exporter(
        folder.path(),
        &["current/public/it.prom".into()],
        ", refresh = \"100ms\"",
    );
    serves(&exporter, b"one 1\n");
    release("two");
    serves(&exporter, b"two 1\n");
}

#[test]
fn lists_directories_and_patterns_form_one_source_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("many")).unwrap();
    std::fs::write(at("z.text"), "z 1\n").unwrap();
    std::fs::write(at("many/b.prom"), "b 1").unwrap();
    std::fs::write(at("many/a.promfile"), "a 1\n").unwrap();
    std::fs::write(at("many/ignored.txt"), "ignored 1\n").unwrap();
    let paths = ["z.text".into(), "many".into(), "late*/c.prom".into()];
    let exporter = exporter(folder.path(), &paths, NO_TIMER);
    serves(&exporter, b"z 1\na 1\nb 1\n");
    until("the skipped file is reported", || {
        let skipped = &exporter.actor("it")["cache"]["passed_over"];
        skipped[0]["why"] == "its name matches no pattern"
    });
    std::fs::remove_file(at("many/a.promfile")).unwrap();
    serves(&exporter, b"z 1\nb 1\n");
    std::fs::create_dir(at("later")).unwrap();
    std::fs::write(at("later/c.prom"), "c 1\n").unwrap();
    serves(&exporter, b"z 1\nb 1\nc 1\n");
    std::fs::remove_dir_all(at("later")).unwrap();
    serves(&exporter, b"z 1\nb 1\n");
}
