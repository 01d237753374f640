//! Files: looking at many of them, and at those that lie beside them, after one has changed.

use super::assert_linear;
use super::processor::time_of;
use crate::support::{Exporter, PATIENCE, make_fifo, quoted, until};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread::park_timeout;
use std::time::{Duration, Instant};

/// How often the file changes.
const CHANGES: usize = 5;
/// How often a page is requested.
const REQUESTS: usize = 20;
/// A quarter of the files that a selector may have, less the one that changes.
const FILES: usize = 1023;

/// Writes a file in one step.
fn replace(path: &Path, text: &str) {
    let new = path.with_file_name(".new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// The cost of serving several versions of `changing.prom` in a folder that `fill` has filled, by the selector
/// `it` with these keys, where FOLDER is that folder.
fn cost(fill: impl Fn(&Path), keys: &str) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let changing = folder.path().join("changing.prom");
    fill(folder.path());
    replace(&changing, "changing 0\n");
    let keys = keys.replace("FOLDER", folder.path().to_str().unwrap());
    let exporter = Exporter::start(&format!(
        "[bridge.selectors.it]\nkind = \"file\"\nrefresh = \"1h\"\ntimeout = \"20s\"\n{keys}\n"
    ));
    let served = |version: usize| {
        let line = format!("changing {version}\n");
        let end = Instant::now() + PATIENCE;
        // Each attempt costs as much as the body is large, so there are few of them.
        let mut pause = Duration::from_millis(10);
        while !exporter.scrape("it").text().contains(&line) {
            assert!(Instant::now() < end, "not within {PATIENCE:?}: {line}");
            park_timeout(pause);
            pause *= 2;
        }
    };
    served(0);
    let before = time_of(exporter.process());
    for version in 1..=CHANGES {
        replace(&changing, &format!("changing {version}\n"));
        served(version);
    }
    time_of(exporter.process()) - before
}

/// The files of a directory, by what a function creates for each number.
fn assert_files_are_linear(what: &str, size: usize, create: impl Fn(&Path, usize)) {
    assert_linear(what, size, |size| {
        let fill = |folder: &Path| (0..size).for_each(|number| create(folder, number));
        cost(fill, "path = \"FOLDER\"")
    });
}

fn file(folder: &Path, number: usize) -> std::path::PathBuf {
    folder.join(format!("a{number}.prom"))
}

#[test]
fn many_valid_files_are_examined_in_linear_time() {
    assert_files_are_linear("files", FILES, |folder, number| {
        fs::write(file(folder, number), format!("a{number} 1\n")).unwrap();
    });
    assert_files_are_linear("files with one family", FILES, |folder, number| {
        fs::write(
            file(folder, number),
            format!("a{{number=\"{number}\"}} 1\n"),
        )
        .unwrap();
    });
    assert_files_are_linear("files with one series", FILES, |folder, number| {
        fs::write(file(folder, number), "a 1\n").unwrap();
    });
}

#[test]
fn many_rejected_files_are_examined_in_linear_time() {
    assert_files_are_linear("invalid files", FILES, |folder, number| {
        fs::write(file(folder, number), "invalid\n").unwrap();
    });
    assert_files_are_linear("files whose types differ", FILES, |folder, number| {
        let kind = if number % 2 == 0 { "gauge" } else { "counter" };
        fs::write(
            file(folder, number),
            format!("# TYPE a {kind}\na{{n=\"{number}\"}} 1\n"),
        )
        .unwrap();
    });
    assert_files_are_linear("FIFOs", FILES, |folder, number| {
        make_fifo(&file(folder, number));
    });
    assert_files_are_linear("links to one file", FILES, |folder, number| {
        symlink("changing.prom", file(folder, number)).unwrap();
    });
}

#[test]
fn what_lies_beside_the_files_is_examined_in_linear_time() {
    assert_files_are_linear("other names", 20_000, |folder, number| {
        fs::write(folder.join(format!("other{number}")), "").unwrap();
    });
}

#[test]
fn many_paths_and_directories_are_examined_in_linear_time() {
    assert_linear("paths", FILES, |size| {
        let fill = |folder: &Path| {
            for number in 0..size {
                fs::write(file(folder, number), format!("a{number} 1\n")).unwrap();
            }
        };
        let paths = (0..size).map(|number| format!("\"FOLDER/a{number}.prom\", "));
        let paths: String = paths.collect();
        cost(fill, &format!("path = [{paths}\"FOLDER/changing.prom\"]"))
    });
    assert_linear("directories of a pattern", 250, |size| {
        let fill = |folder: &Path| {
            for number in 0..size {
                let inner = folder.join(format!("d{number}"));
                fs::create_dir(&inner).unwrap();
                fs::write(inner.join("a.prom"), format!("a{number} 1\n")).unwrap();
            }
        };
        cost(fill, "path = [\"FOLDER\", \"FOLDER/*/*.prom\"]")
    });
}

#[test]
fn pages_about_many_files_take_linear_time() {
    for page in [
        "/metrics",
        "/debug/actors",
        "/bridge?selector=it&debug=true",
    ] {
        assert_linear(page, FILES, |size| {
            let folder = tempfile::tempdir().unwrap();
            for number in 0..size {
                fs::write(file(folder.path(), number), format!("a{number} 1\n")).unwrap();
            }
            let path = quoted(folder.path());
            let exporter = Exporter::start(&format!("[bridge.selectors]\nit = {path}\n"));
            until("it is served", || exporter.scrape("it").status == 200);
            let before = time_of(exporter.process());
            for _ in 0..REQUESTS {
                assert_eq!(exporter.get(page).status, 200);
            }
            time_of(exporter.process()) - before
        });
    }
}
