//! A daemon chooses the names of its files, and cannot forge lines or control a terminal with them.

use crate::serving::Serving;
use crate::support::{get, program, quoted};
use std::process::Stdio;

/// A line break and a forged log line, an escape sequence, a C1 control, and an override of the direction.
const NAME: &str = "a\n2026-12-01T00:00:00.000Z ERROR forged\u{1b}[31m\u{9b}1m\u{202e}b.prom";
/// Where backslashes are escaped once more, as in JSON, this is part of it too.
const SHOWN: &str = "\\u{202e}b.prom";

/// Asserts that a text names the file on one line, without the characters that control a terminal.
#[track_caller]
fn assert_harmless(text: &str) {
    for forbidden in [
        "\u{1b}",
        "\u{9b}",
        "\u{202e}",
        "\n2026-12-01T00:00:00.000Z ERROR forged",
    ] {
        assert!(!text.contains(forbidden), "{forbidden:?} in {text}");
    }
}

#[test]
fn a_file_name_cannot_forge_lines_or_control_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(NAME), "= = =\n").unwrap();
    let config = format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {} }}\n",
        quoted(folder.path())
    );
    let serving = Serving::start(program(), &["--web.listen-address", "127.0.0.1:0"], &config);
    serving.logged("source failed", 1);
    let log = serving.lines().join("\n");
    assert_harmless(&log);
    assert!(log.contains(SHOWN), "{log}");
    let url = |path: &str| format!("http://{}{path}", serving.address());
    for path in [
        "/bridge?selector=it",
        "/bridge?selector=it&debug=true",
        "/debug/actors",
        "/metrics",
    ] {
        let text = get(&url(path), &[]).text();
        assert_harmless(&text);
        assert!(text.contains(SHOWN), "{path}: {text}");
    }
    let config = serving.config();
    for arguments in [
        &["check"][..],
        &["check", "--format", "json"],
        &["scrape", "it"],
    ] {
        let mut command = program();
        command.args(arguments).arg("--config.file").arg(&config);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert_harmless(&text);
        assert!(text.contains(SHOWN), "{arguments:?}: {text}");
    }
}
