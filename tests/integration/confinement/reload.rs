//! Selectors that a reload adds: in directories that stay readable, and in others.

use super::{is_confined, persistent_folder};
use crate::serving::Serving;
use crate::support::{Exporter, get, quoted, request, until};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const UNREADABLE: &str = "local_exporter_config_unreadable_paths";

fn selector(name: &str, path: &Path) -> String {
    let path = quoted(path);
    format!("[bridge.selectors.{name}]\nkind = \"file\"\npath = {path}\n")
}

/// A directory with one file in a directory of its own.
fn metrics(folder: &TempDir) -> PathBuf {
    let directory = folder.path().join("app/public");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("m.prom");
    fs::write(&file, "a 1\n").unwrap();
    file
}

#[test]
fn a_new_path_outside_of_the_readable_directories_makes_a_reload_fail() {
    let (hidden, readable) = (persistent_folder(), persistent_folder());
    let (outside, inside) = (metrics(&hidden), metrics(&readable));
    let service = format!(
        "lifecycle = true\nreadable = [{}]\n",
        quoted(readable.path())
    );
    let exporter = Exporter::start(&service);
    if !is_confined(&exporter) {
        return;
    }
    let reload = || request("POST", &exporter.url("/-/reload"), &[]);
    exporter.configure(&format!("{service}{}", selector("it", &outside)));
    let reply = reload();
    let text = reply.text();
    assert_eq!(reply.status, 500, "{text}");
    for part in [
        "bridge.selectors.it",
        "Landlock",
        "service.readable",
        "/app",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(exporter.metric(UNREADABLE), Some(1.0));
    assert_eq!(exporter.scrape("it").status, 404);

    exporter.configure(&format!("{service}{}", selector("it", &inside)));
    let reply = reload();
    assert_eq!(reply.status, 200, "{}", reply.text());
    until("the file is served", || {
        exporter.scrape("it").text() == "a 1\n"
    });
    assert_eq!(exporter.metric(UNREADABLE), Some(0.0));
}

#[test]
fn a_drop_in_with_such_a_path_is_left_out_and_run_stays_readable() {
    let (folder, outside) = (persistent_folder(), persistent_folder());
    let drop_ins = folder.path().join("conf.d");
    fs::create_dir(&drop_ins).unwrap();
    let config = "[service]\nlisten = [\"127.0.0.1:0\"]\nlifecycle = true\n";
    let arguments = ["--config.dropins", drop_ins.to_str().unwrap()];
    let serving = Serving::start(crate::support::program(), &arguments, config);
    let address = serving.address();
    let url = |path: &str| format!("http://{address}{path}");
    if serving
        .lines()
        .iter()
        .any(|line| line.contains("\"not confined"))
    {
        return local_exporter_skip::skip("this kernel lacks Landlock");
    }
    let text = selector("outside", &metrics(&outside));
    fs::write(drop_ins.join("outside.toml"), text).unwrap();
    let run = tempfile::tempdir_in("/run");
    if let Ok(run) = &run {
        let text = selector("run", &metrics(run));
        fs::write(drop_ins.join("run.toml"), text).unwrap();
    }
    let reply = request("POST", &url("/-/reload"), &[]);
    let text = reply.text();
    assert_eq!(reply.status, 200, "{text}");
    assert!(
        text.contains("left out: ") && text.contains("service.readable"),
        "{text}"
    );
    assert_eq!(get(&url("/bridge?selector=outside"), &[]).status, 404);
    if run.is_ok() {
        until("the file below /run is served", || {
            get(&url("/bridge?selector=run"), &[]).status == 200
        });
    }
}

#[test]
fn an_exchanged_directory_of_the_configuration_is_explained() {
    let folder = persistent_folder();
    let directory = folder.path().join("etc");
    let write = || {
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("a.toml"), "").unwrap();
    };
    write();
    let config = "[service]\nlisten = [\"127.0.0.1:0\"]\nlifecycle = true\n";
    let arguments = ["--config.dropins", directory.to_str().unwrap()];
    let serving = Serving::start(crate::support::program(), &arguments, config);
    let url = format!("http://{}/-/reload", serving.address());
    if serving
        .lines()
        .iter()
        .any(|line| line.contains("\"not confined"))
    {
        return local_exporter_skip::skip("this kernel lacks Landlock");
    }
    assert_eq!(request("POST", &url, &[]).status, 200);
    // The directory around it is replaced as well.
    fs::rename(folder.path(), folder.path().with_extension("old")).unwrap();
    fs::create_dir(folder.path()).unwrap();
    write();
    let reply = request("POST", &url, &[]);
    fs::remove_dir_all(folder.path().with_extension("old")).unwrap();
    assert_eq!(reply.status, 500, "{}", reply.text());
    assert!(reply.text().contains("Landlock"), "{}", reply.text());
}
