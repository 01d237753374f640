//! The commands `lint`, `check` and `scrape`, with large bodies, many files and many selectors.

use super::processor::time_of_command;
use super::{Case, assert_linear};
use crate::support::{program, quoted};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The cost of a command, which has to end with this status; `prepare` writes its files and returns its arguments.
fn cost(status: i32, prepare: impl FnOnce(&Path) -> Vec<String>) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(prepare(folder.path()));
    let (ended, time) = time_of_command(command);
    assert_eq!(ended, Some(status));
    time
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|number| line(number) + "\n").collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn lint_takes_linear_time() {
    let families = |n| {
        let large = lines(n, |i| format!("large{{n=\"{i}\"}} 1"));
        let small = lines(n, |i| format!("# TYPE a{i} gauge\na{i} 1"));
        format!("# TYPE large gauge\n{large}{small}# EOF\n")
    };
    let series = |n| lines(n, |i| format!("a{{n=\"{i}\"}} 1"));
    let cases: [(&str, i32, Case<'_, String>); 4] = [
        ("ingest", 0, ("series", 50_000, &series)),
        ("strict", 0, ("series, strictly", 20_000, &series)),
        ("strict", 0, ("families, strictly", 40_000, &families)),
        (
            "ingest",
            1,
            ("invalid lines", 50_000, &|n| "invalid\n".repeat(n)),
        ),
    ];
    for (level, status, (what, size, body)) in cases {
        assert_linear(what, size, |size| {
            cost(status, |folder| {
                let file = folder.join("it.prom");
                fs::write(&file, body(size)).unwrap();
                words(&["lint", "--check", level, file.to_str().unwrap()])
            })
        });
    }
    assert_linear("files of lint", 500, |size| {
        cost(0, |folder| {
            let files = (0..size).map(|number| {
                let file = folder.join(format!("{number}.prom"));
                fs::write(&file, "a 1\n").unwrap();
                file.to_str().unwrap().to_owned()
            });
            words(&["lint"]).into_iter().chain(files).collect()
        })
    });
}

/// The arguments of a command with a configuration of these selectors.
fn configured(folder: &Path, command: &str, selectors: &str) -> Vec<String> {
    let config = folder.join("config.toml");
    fs::write(&config, format!("[bridge.selectors]\n{selectors}")).unwrap();
    words(&[command, "--config", config.to_str().unwrap()])
}

/// A selector whose directory has many files.
fn directory(folder: &Path, size: usize, body: impl Fn(usize) -> String) -> String {
    let files = folder.join("files");
    fs::create_dir(&files).unwrap();
    for number in 0..size {
        fs::write(files.join(format!("{number}.prom")), body(number)).unwrap();
    }
    format!("it = {}\n", quoted(&files))
}

#[test]
fn check_takes_linear_time() {
    assert_linear("selectors of check", 250, |size| {
        let selector = |number| format!("s{number} = {{ kind = \"uds\", path = \"/n/{number}\" }}");
        cost(1, |folder| {
            configured(folder, "check", &lines(size, selector))
        })
    });
    assert_linear("files of check", 1000, |size| {
        cost(0, |folder| {
            let files = directory(folder, size, |number| format!("a{number} 1\n"));
            configured(folder, "check", &files)
        })
    });
    assert_linear("invalid files of check", 1000, |size| {
        cost(1, |folder| {
            let files = directory(folder, size, |_| "invalid\n".to_owned());
            configured(folder, "check", &files)
        })
    });
}

#[test]
fn scrape_takes_linear_time() {
    let body = |number| lines(10, |line| format!("a{line}{{file=\"{number}\"}} 1"));
    assert_linear("files of scrape", 1000, |size| {
        cost(0, |folder| {
            let files = directory(folder, size, body);
            let mut arguments = configured(folder, "scrape", &files);
            arguments.push("it".to_owned());
            arguments
        })
    });
}
