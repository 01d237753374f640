//! The cost of loading grows with the size of the input, not faster.

use super::*;
use crate::error::ExternalError;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The smaller of the two sizes that are compared, and their ratio.
const SIZE: usize = 500;
const GROWTH: u32 = 16;

/// Writes an input of a size.
type Write = fn(&mut Host, usize);

const SELECTOR: &str = "[bridge.selectors.a]\nkind = \"uds\"\npath = \"/a\"\n";

/// A text of repeated lines; `{}` in them is the number of the line.
fn lines(count: usize, line: &str) -> String {
    let numbered = |number: usize| line.replace("{}", &number.to_string()) + "\n";
    (0..count).map(numbered).collect()
}

fn selectors(count: usize) -> String {
    lines(
        count,
        "[bridge.selectors.s{}]\nkind = \"uds\"\npath = \"/a\"\nbearer_token_file = \"/t\"",
    )
}

/// The processor time of this thread, which does not depend on what else runs on the machine.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap()
}

/// The shortest of three times to load a configuration with an input of this size.
fn time_to_load(write: fn(&mut Host, usize), size: usize) -> Duration {
    let mut host = Host::new();
    write(&mut host, size);
    let missing = |settings: &Settings| {
        let selectors = settings.selectors.iter();
        let with_token = selectors.filter(|one| one.access.bearer_token_file.is_some());
        let error = |name: &str| ExternalError {
            key: ["bridge", "selectors", name, "bearer_token_file"]
                .map(str::to_owned)
                .to_vec(),
            found: "missing".to_owned(),
        };
        with_token.map(|one| error(&one.name)).collect()
    };
    let once = || {
        let began = processor_time();
        let loaded = host
            .layers
            .load_with(&PathAccess::default(), &LastValid::default(), &missing)
            .unwrap();
        let names: Vec<_> = loaded.warnings.iter().collect();
        assert!(!names.is_empty());
        processor_time() - began
    };
    (0..3).map(|_| once()).min().unwrap()
}

#[test]
fn the_cost_of_errors_grows_with_the_size_of_the_input() {
    let inputs: [(&str, Write); 10] = [
        ("lines of `=`", |host, size| {
            host.write("lib/a.toml", &lines(size * 4, "="));
        }),
        ("unknown keys", |host, size| {
            let text = SELECTOR.to_owned() + &lines(size * 4, "k{} = 1");
            host.write("lib/a.toml", &text);
        }),
        ("unknown keys in one line", |host, size| {
            let keys = lines(size * 4, "k{} = 1,").replace('\n', "");
            let text = format!("[bridge.selectors]\na = {{ {keys} kind = \"uds\" }}\n");
            host.write("lib/a.toml", &text);
        }),
        ("duplicate keys", |host, size| {
            let text = SELECTOR.to_owned() + &lines(size * 4, "k = 1");
            host.write("lib/a.toml", &text);
        }),
        ("elements of a list", |host, size| {
            let elements = lines(size * 4, "\"x\",");
            let text = format!("[bridge.selectors.a]\nkind = \"file\"\npath = [{elements}]\n");
            host.write("lib/a.toml", &text);
        }),
        ("keys outside of selectors", |host, size| {
            host.write("lib/a.toml", &lines(size * 4, "k{} = 1"));
        }),
        ("tables after the tables in them", |host, size| {
            let text = lines(size * 2, "[x.a{}.b]") + &lines(size * 2, "[x.a{}]");
            host.write("lib/a.toml", &text);
        }),
        ("selectors defined twice", |host, size| {
            host.write("lib/a.toml", &selectors(size));
            host.write("lib/b.toml", &selectors(size));
        }),
        ("drop-ins with one selector and an error", |host, size| {
            for number in 0..size / 4 {
                let text = SELECTOR.to_owned() + "k = 1\n";
                host.write(&format!("lib/{number}.toml"), &text);
            }
        }),
        ("variables for selectors that do not exist", |host, size| {
            host.write("lib/a.toml", "=\n");
            let name = |number| format!("LOCAL_EXPORTER__BRIDGE__SELECTORS__S{number}__TIMEOUT");
            let variables = (0..size).map(|number| (name(number), "1s".to_owned()));
            host.layers.environment = variables.collect();
        }),
    ];
    for (input, write) in inputs {
        let (small, large) = (
            time_to_load(write, SIZE),
            time_to_load(write, SIZE * GROWTH as usize),
        );
        let floor = Duration::from_millis(1);
        let ratio = large.as_secs_f64() / small.max(floor).as_secs_f64();
        // Quadratic cost would be 256 times as high.
        assert!(
            ratio < f64::from(GROWTH * 3),
            "{input}: {small:?} for {SIZE}, {large:?} for {GROWTH} times as many"
        );
        assert!(large < Duration::from_secs(20), "{input}: {large:?}");
    }
}

#[test]
fn the_first_hundred_errors_of_a_file_are_listed_and_the_others_counted() {
    let host = Host::new();
    host.write(
        "lib/a.toml",
        &(SELECTOR.to_owned() + &lines(20_000, "k{} = 1")),
    );
    host.write("lib/b.toml", "colour = 1\n");
    let warnings = host.warnings();
    assert_eq!(warnings.len(), 102, "{warnings:?}");
    assert!(warnings[99].starts_with("~/lib/a.toml:103:1: bridge.selectors.a.k99: "));
    assert_eq!(
        warnings[100],
        "~/lib/a.toml:104:1: 19900 more errors, which are not listed"
    );
    assert!(warnings[101].starts_with("~/lib/b.toml:1:1: "));
}

#[test]
fn of_a_large_file_the_first_syntax_error_is_reported() {
    let host = Host::new();
    host.write("lib/a.toml", &lines(500_000, "="));
    let warnings = host.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("~/lib/a.toml:1:1: "),
        "{warnings:?}"
    );
}

#[test]
fn a_selector_with_many_wrong_definitions_is_left_out_with_all_of_them() {
    let host = Host::new();
    host.selector("lib/00.toml", "a", "/good");
    for number in 10..40 {
        host.write(
            &format!("lib/{number}.toml"),
            &(SELECTOR.to_owned() + "k = 1\n"),
        );
    }
    host.selector("lib/other.toml", "other", "/other");
    assert_eq!(host.sockets(), ["other=/other"]);
    let warnings = host.warnings();
    assert_eq!(warnings.len(), 31, "{warnings:?}");
    let not_read = warnings.iter().filter(|one| one.contains("not read"));
    assert_eq!(not_read.count(), 15, "{warnings:?}");
}
