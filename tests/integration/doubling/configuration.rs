//! Loading a configuration: many selectors, errors, drop-ins and variables, and long values.

use super::processor::time_of_command;
use super::{Case, assert_linear};
use crate::support::program;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

/// A configuration: its main file, its drop-ins, and the variables beside it.
#[derive(Default)]
struct Input {
    main: String,
    drop_ins: Vec<String>,
    variables: Vec<(String, String)>,
}

impl From<String> for Input {
    fn from(main: String) -> Self {
        Self {
            main,
            ..Self::default()
        }
    }
}

impl Input {
    /// The cost of loading it, by `--config.check`.
    fn cost(&self, status: i32) -> Duration {
        let folder = tempfile::tempdir().unwrap();
        let (main, drop_ins) = (
            folder.path().join("main.toml"),
            folder.path().join("conf.d"),
        );
        fs::write(&main, &self.main).unwrap();
        fs::create_dir(&drop_ins).unwrap();
        for (number, text) in self.drop_ins.iter().enumerate() {
            fs::write(drop_ins.join(format!("{number}.toml")), text).unwrap();
        }
        let mut command = program();
        command.args(["serve", "--config.check", "--config"]);
        command.arg(main).arg("--config.dropins").arg(drop_ins);
        command.envs(self.variables.iter().cloned());
        let (ended, time) = time_of_command(command);
        assert_eq!(ended, Some(status));
        time
    }
}

/// The selector with this number, and more of its keys.
fn selector(number: usize, keys: &str) -> String {
    format!("[bridge.selectors.s{number}]\nkind = \"uds\"\npath = \"/n/{number}\"\n{keys}\n")
}

/// One line for each number.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|number| line(number) + "\n").collect()
}

/// An array of one string for each number.
fn strings(count: usize, string: impl Fn(usize) -> String) -> String {
    let strings: Vec<_> = (0..count)
        .map(|number| format!("{:?}", string(number)))
        .collect();
    format!("[{}]", strings.join(", "))
}

#[test]
fn valid_configurations_load_in_linear_time() {
    let file = "[bridge.selectors.it]\nkind = \"file\"\n";
    let cases: [Case<'_, Input>; 7] = [
        ("selectors", 2000, &|n| lines(n, |i| selector(i, "")).into()),
        ("paths", 8000, &|n| {
            format!("{file}path = {}\n", strings(n, |i| format!("/p/{i}"))).into()
        }),
        ("patterns", 8000, &|n| {
            format!(
                "{file}path = \"/p\"\npattern = {}\n",
                strings(n, |i| format!("*.{i}"))
            )
            .into()
        }),
        ("labels", 8000, &|n| {
            let labels = lines(n, |i| format!("l{i} = \"x\""));
            format!("{file}path = \"/p\"\n[bridge.selectors.it.labels]\n{labels}").into()
        }),
        ("networks", 8000, &|n| {
            let networks = strings(n, |i| format!("10.{}.{}.0/24", i >> 8, i & 255));
            format!("[service]\nallow_from = {networks}\n").into()
        }),
        ("comments", 100_000, &|n| "# comment\n".repeat(n).into()),
        ("bytes of escapes", 100_000, &|n| {
            let value = "\\u0061".repeat(n);
            format!("{file}path = \"/p\"\nlabels = {{ l = \"{value}\" }}\n").into()
        }),
    ];
    for (what, size, input) in cases {
        assert_linear(what, size, |size| input(size).cost(0));
    }
}

#[test]
fn errors_of_a_configuration_are_reported_in_linear_time() {
    let cases: [Case<'_, String>; 8] = [
        ("invalid values", 2000, &|n| {
            lines(n, |i| selector(i, "timeout = \"x\""))
        }),
        ("invalid values after comments", 1000, &|n| {
            "# comment\n".repeat(20 * n) + &lines(n, |i| selector(i, "timeout = \"x\""))
        }),
        ("unknown keys", 5000, &|n| {
            selector(0, &lines(n, |i| format!("k{i} = 1")))
        }),
        ("unknown tables", 5000, &|n| {
            lines(n, |i| format!("[t{i}]\nx = 1"))
        }),
        ("lines that are no TOML", 5000, &|n| "=\n".repeat(n)),
        ("keys that occur twice", 5000, &|n| {
            "[service]\n".to_owned() + &"tls = true\n".repeat(n)
        }),
        ("tables that occur twice", 2000, &|n| {
            selector(0, "").repeat(n)
        }),
        ("bytes of an unknown key", 200_000, &|n| {
            "k".repeat(n) + " = 1\n"
        }),
    ];
    for (what, size, text) in cases {
        assert_linear(what, size, |size| Input::from(text(size)).cost(2));
    }
}

#[test]
fn drop_ins_load_in_linear_time() {
    let cases: [Case<'_, Vec<String>>; 5] = [
        ("drop-ins", 300, &|n| {
            (0..n).map(|i| selector(i, "")).collect()
        }),
        ("invalid drop-ins", 300, &|n| {
            (0..n).map(|i| selector(i, "timeout = \"x\"")).collect()
        }),
        ("drop-ins with one selector", 300, &|n| {
            vec![selector(0, ""); n]
        }),
        ("selectors of a drop-in", 2000, &|n| {
            vec![lines(n, |i| selector(i, ""))]
        }),
        ("errors of a drop-in", 5000, &|n| vec!["=\n".repeat(n)]),
    ];
    for (what, size, drop_ins) in cases {
        let input = |size| Input {
            drop_ins: drop_ins(size),
            ..Input::default()
        };
        assert_linear(what, size, |size| input(size).cost(0));
    }
}

#[test]
fn variables_are_applied_in_linear_time() {
    let input = |size| {
        let mut main = String::new();
        let mut variables = Vec::new();
        for number in 0..size {
            let _ = write!(main, "{}", selector(number, ""));
            let name = format!("LOCAL_EXPORTER__BRIDGE__SELECTORS__S{number}__TIMEOUT");
            variables.push((name, "2s".to_owned()));
        }
        Input {
            main,
            variables,
            ..Input::default()
        }
    };
    assert_linear("variables", 1000, |size| input(size).cost(0));
}
