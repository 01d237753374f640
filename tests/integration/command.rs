//! The command line: output and exit statuses.

mod documents;
mod flags;
mod lint;
mod sd;

use crate::support::program;
use std::path::Path;
use std::process::{Command, Output};

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
fn the_version_of_a_clone_has_its_commit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join(".git").exists() || std::env::var_os("LOCAL_EXPORTER_REVISION").is_some() {
        // A source archive, or a build with another revision.
        return;
    }
    let git = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .current_dir(root)
        .output();
    let commit = String::from_utf8(git.unwrap().stdout).unwrap();
    let (_, version, _) = run(&["--version"]);
    let revision = format!("(revision {}", commit.trim());
    assert!(version.contains(&revision), "{version:?}, {revision:?}");
}

#[test]
fn version_and_help_are_printed() {
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
        "--web.listen-address",
        "--web.systemd-socket",
        "--web.config.file",
        "--web.telemetry-path",
        "--web.max-requests",
        "--web.external-url",
        "--web.route-prefix",
        "--web.enable-lifecycle",
        "--timeout-offset",
        "--config.check",
    ] {
        assert!(out.contains(option), "{option} is not in {out}");
    }
}

#[test]
fn wrong_arguments_exit_with_status_2() {
    let cases: [(&[&str], &str); 6] = [
        (
            &["--web.listen-address=:1"],
            "tip: try `local-exporter serve --web.listen-address`",
        ),
        (
            &["--config.file=x"],
            "tip: try `local-exporter serve --config.file`",
        ),
        (&["srve"], "unrecognized subcommand 'srve'"),
        (&["serve", "--nope"], "unexpected argument '--nope'"),
        (&["serve", "--log.format", "xml"], "invalid value 'xml'"),
        (&[], "Usage"),
    ];
    for (arguments, expected) in cases {
        let (code, _, error) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[test]
fn every_error_is_on_standard_error_with_its_location() {
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
fn a_named_file_must_exist() {
    let (code, _, error) = run(&["serve", "--config", "/nonexistent.toml"]);
    assert_eq!(code, Some(2));
    assert!(
        error.starts_with("/nonexistent.toml: No such file"),
        "{error}"
    );
}

#[test]
fn a_named_directory_of_drop_ins_must_exist() {
    for command in [
        &["serve", "--config.check"][..],
        &["check"],
        &["scrape", "a"],
    ] {
        let mut arguments = command.to_vec();
        arguments.push("--config.dropins=/nonexistent.d");
        let (code, out, error) = run(&arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{command:?}");
        let expected = "/nonexistent.d: cannot be listed: No such file or directory";
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn an_address_that_cannot_be_bound_exits_with_status_1() {
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

#[test]
fn scrape_prints_the_body_or_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let file = folder.path().join("m.prom");
    std::fs::write(&file, "{\"my.name\"} 1\n").unwrap();
    let text = format!(
        "[bridge.selectors]\ngood = {{ kind = \"file\", path = {} }}\n\
         bad = {{ kind = \"uds\", path = \"/nowhere/sock\" }}\n",
        crate::support::quoted(&file)
    );
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let (code, out, _) = run(&["scrape", "good", "--config", config]);
    assert_eq!((code, out.as_str()), (Some(0), "{\"my.name\"} 1\n"));
    let (code, out, error) = run(&["scrape", "bad", "--config", config]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        error.contains("selector \"bad\": absent: cannot connect to /nowhere/sock"),
        "{error}"
    );
    let (code, _, error) = run(&["scrape", "other", "--config", config]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("configured selectors: [\"good\", \"bad\"]; looked in "),
        "{error}"
    );
}

#[test]
fn a_closed_standard_error_changes_no_exit_status() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let status = program()
        .args(["serve", "--config", "/nonexistent.toml"])
        .stderr(full)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn too_few_descriptors_are_a_one_line_error() {
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -n 32 && exec \"$@\"", "sh"])
        .arg(program().get_program())
        .arg("serve")
        .env("LOCAL_EXPORTER__SERVICE__PORT", "0")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("the limit of open files is 32"), "{error}");
}
