//! The output and exit statuses of `lint`.

use super::run;
use crate::support::program;

#[test]
fn lint_prints_every_problem_with_its_location() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = at("good.prom", "# TYPE a gauge\na 1\n");
    let (code, out, error) = run(&["lint", &good]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(error.contains("text, samples: 1, families: 1"), "{error}");

    let bad = at("bad.prom", "a\nb 1\nc{d=\"e\" 2\n");
    let (code, out, _) = run(&["lint", &good, &bad]);
    assert_eq!(code, Some(1));
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].starts_with(&format!("{bad}:1:")), "{out}");
    assert!(lines[1].starts_with(&format!("{bad}:3:")), "{out}");

    let twice = at("twice.prom", "a 1\na 1\n");
    assert_eq!(run(&["lint", &twice]).0, Some(1));
    assert_eq!(run(&["lint", "--check", "ingest", &twice]).0, Some(0));
    assert_eq!(run(&["lint", "--format", "openmetrics", &twice]).0, Some(1));
    let (code, _, error) = run(&["lint", "/nonexistent.prom"]);
    assert_eq!(code, Some(2));
    assert!(
        error.starts_with("/nonexistent.prom: No such file"),
        "{error}"
    );
}

#[test]
fn lint_reads_standard_input() {
    use std::io::Write;
    let mut child = program()
        .arg("lint")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a 1\nb").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.starts_with(b"-:2:2: "), "{output:?}");
}
