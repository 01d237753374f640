//! The command line: what is printed, and the exit codes.

use crate::support::program;
use std::process::Output;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = program().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code(), text(&stdout), text(&stderr))
}

#[test]
fn version_and_help_say_what_there_is() {
    let (code, out, _) = run(&["--version"]);
    assert_eq!(code, Some(0));
    assert!(
        out.starts_with(concat!("local-exporter ", env!("CARGO_PKG_VERSION"))),
        "{out}"
    );
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("serve"), "{out}");
    let (code, out, _) = run(&["serve", "--help"]);
    assert_eq!(code, Some(0));
    for option in [
        "--config <FILE>",
        "/etc/local-exporter/config.toml",
        "--verbose",
        "--log.format",
    ] {
        assert!(out.contains(option), "{option} is not in {out}");
    }
}

#[test]
fn wrong_arguments_are_told_with_status_2() {
    let cases: [(&[&str], &str); 4] = [
        (&["srve"], "unrecognized subcommand 'srve'"),
        (&["serve", "--nope"], "unexpected argument '--nope'"),
        (&["serve", "--log.format", "xml"], "invalid value 'xml'"),
        (&[], "Usage"),
    ];
    for (arguments, told) in cases {
        let (code, _, error) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(error.contains(told), "{arguments:?}: {error}");
    }
}

#[test]
fn every_mistake_is_on_standard_error_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.toml");
    let text = "[service]\nport = \"x\"\n[bridge.selectors]\na = { kind = \"usd\" }\n";
    std::fs::write(&path, text).unwrap();
    let name = path.to_str().unwrap();
    let (code, _, error) = run(&["serve", "-c", name]);
    assert_eq!(code, Some(2));
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert!(
        lines[0].starts_with(&format!("{name}:2:8: service.port: \"x\"")),
        "{error}"
    );
    let second = format!("{name}:4:14: bridge.selectors.a.kind: \"usd\"");
    assert!(lines[1].starts_with(&second), "{error}");
}

#[test]
fn a_named_file_must_be_there() {
    let (code, _, error) = run(&["serve", "--config", "/nonexistent.toml"]);
    assert_eq!(code, Some(2));
    assert!(
        error.starts_with("/nonexistent.toml: No such file"),
        "{error}"
    );
}

#[test]
fn an_address_that_cannot_be_listened_on_is_status_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = program()
        .args(["serve", "--log.format", "logfmt"])
        .env("LOCAL_EXPORTER__SERVICE__ADDRESS", "127.0.0.1")
        .env("LOCAL_EXPORTER__SERVICE__PORT", &port)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{error}"
    );
    assert!(error.contains("level=error"), "{error}");
}
