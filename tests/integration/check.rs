//! `check` finds problems of a host, with their remedies.
//!
//! Root is never denied access, so most tests run as another user, and mounts need namespaces. Tests are
//! skipped if these are not available.

mod problems;
mod table;

use crate::support::{open_to_all, program, quoted};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use rustix::process::geteuid;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder that other users can read, with a configuration.
struct Scene {
    folder: TempDir,
    config: String,
}

impl Scene {
    fn new() -> Self {
        // The printed paths have no symbolic links.
        let real = std::env::temp_dir().canonicalize().unwrap();
        let folder = tempfile::tempdir_in(real).unwrap();
        open_to_all(folder.path());
        Self {
            folder,
            config: "[bridge]\ndefaults.timeout = \"20s\"\n".to_owned(),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Creates a file.
    fn file(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "a 1\n").unwrap();
        allow(&path, mode);
        path
    }

    fn daemon(&self, name: &str, mode: u32, behaviour: Behaviour) -> ScriptedDaemon {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let daemon = ScriptedDaemon::start(&path, behaviour).unwrap();
        allow(&path, mode);
        daemon
    }

    /// Configures a selector with a path.
    fn selector(&mut self, name: &str, kind: &str, path: &str) {
        let path = quoted(&self.at(path));
        self.config += &format!("selectors.{name} = {{ kind = \"{kind}\", path = {path} }}\n");
    }

    /// Runs `check` with a command that lacks only its arguments: status and output.
    fn check(&self, command: Command, arguments: &[&str]) -> (Option<i32>, String, String) {
        let config = self.at("config.toml");
        fs::write(&config, &self.config).unwrap();
        let mut command = command;
        command.arg("check").args(arguments).arg("--config");
        command.arg(config).args(["--config.dropins", "/dev/null"]);
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, error) = (text(&output.stdout), text(&output.stderr));
        (output.status.code(), out, error)
    }

    /// The output as JSON: one report per selector.
    fn reports(&self, command: Command) -> (Option<i32>, Vec<Value>) {
        let (code, out, error) = self.check(command, &["--format", "json"]);
        let reports = serde_json::from_str(&out);
        let reports = reports.unwrap_or_else(|wrong| panic!("{wrong}: {out:?} {error:?}"));
        (code, reports)
    }
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn serving() -> Behaviour {
    Behaviour::Serve(b"a 1\n".to_vec())
}

fn of<'a>(reports: &'a [Value], selector: &str) -> &'a Value {
    let found = reports.iter().find(|report| report["selector"] == selector);
    found.unwrap_or_else(|| panic!("{selector} is not in {reports:?}"))
}

/// Asserts the verdict, the reason and the first finding.
#[track_caller]
fn assert_found(report: &Value, verdict: &str, reason: Option<&str>, what: &str, remedy: &str) {
    assert_eq!(report["verdict"], verdict, "{report:#}");
    assert_eq!(report["reason"].as_str(), reason, "{report:#}");
    let first = &report["findings"][0];
    assert!(first["what"].as_str().unwrap().contains(what), "{report:#}");
    assert!(
        first["remedy"].as_str().unwrap().contains(remedy),
        "{report:#}"
    );
}

#[test]
fn selectors_without_problems_are_ok() {
    let mut scene = Scene::new();
    scene.file("m.prom", 0o644);
    let _daemon = scene.daemon("sock", 0o666, serving());
    scene.selector("file", "file", "m.prom");
    scene.selector("socket", "uds", "sock");
    let (code, out, error) = scene.check(program(), &[]);
    let expected = "file: ok, bytes: 4, samples: 1, text\nsocket: ok, bytes: 4, samples: 1, text\n";
    assert_eq!((code, out.as_str()), (Some(0), expected));
    // Only about root, whom permissions do not restrict.
    let warnings = usize::from(geteuid().is_root());
    assert_eq!(error.lines().count(), warnings, "{error}");
    assert_eq!(error.contains("checked as root"), warnings == 1, "{error}");
    let (code, out, _) = scene.check(program(), &["--strict"]);
    assert_eq!((code, out.as_str()), (Some(0), expected));

    let (code, reports) = scene.reports(program());
    assert_eq!(code, Some(0));
    let expected = serde_json::json!({
        "selector": "socket", "kind": "uds", "source": scene.at("sock"), "verdict": "ok",
        "reason": null, "message": null, "bytes": 4, "samples": 1, "format": "text",
        "findings": [],
    });
    assert_eq!(*of(&reports, "socket"), expected);
}

#[test]
fn a_failed_selector_is_status_1_and_a_configuration_error_status_2() {
    let mut scene = Scene::new();
    scene.file("m.prom", 0o644);
    scene.selector("good", "file", "m.prom");
    scene.selector("bad", "uds", "none/sock");
    let (code, out, _) = scene.check(program(), &[]);
    assert_eq!(code, Some(1), "{out}");
    let none = scene.at("none").display().to_string();
    let expected = format!("bad: absent: {none} does not exist; start the daemon, or correct");
    assert!(out.lines().any(|line| line.starts_with(&expected)), "{out}");
    // Only the named selectors are checked.
    let (code, out, _) = scene.check(program(), &["good"]);
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{out}");
    let (code, out, error) = scene.check(program(), &["good", "other"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    let looked_in = format!(
        "looked in {}, /dev/null\n",
        scene.at("config.toml").display()
    );
    let expected = "selector \"other\": not configured; configured selectors: [\"good\", \"bad\"]";
    assert_eq!(error, format!("{expected}; {looked_in}"));
    scene.config += "selectors.worse = { kind = \"uds\" }\n";
    let (code, out, error) = scene.check(program(), &["good"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.contains("config.toml:"), "{error}");
}

#[test]
fn without_selectors_the_paths_of_the_configuration_are_printed() {
    let mut scene = Scene::new();
    scene.config = "# nothing\n".to_owned();
    let (code, out, error) = scene.check(program(), &[]);
    let config = scene.at("config.toml");
    let expected = format!(
        "no selector is configured; looked in {}, /dev/null\n",
        config.display()
    );
    assert_eq!((code, out, error.as_str()), (Some(0), expected, ""));
    let (code, out, _) = scene.check(program(), &["--format", "json"]);
    assert_eq!((code, out.as_str()), (Some(0), "[]\n"));
    let (code, _, error) = scene.check(program(), &["other"]);
    let expected = format!(
        "selector \"other\": not configured; no selector is configured; looked in {}, /dev/null\n",
        config.display()
    );
    assert_eq!((code, error), (Some(2), expected));
}

#[test]
fn a_warning_fails_a_strict_check_only() {
    let mut scene = Scene::new();
    scene.file("directory/good.prom", 0o644);
    fs::write(scene.at("directory/bad.prom"), "a{ 1\n").unwrap();
    scene.selector("partly", "file", "directory");
    for (arguments, status) in [(&[][..], 0), (&["--strict"][..], 1)] {
        let (code, out, _) = scene.check(program(), arguments);
        assert!(out.starts_with("partly: warning, "), "{out}");
        assert_eq!(code, Some(status), "{arguments:?}");
    }
}
