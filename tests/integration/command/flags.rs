//! The flags of `serve`, in the spelling of the exporter-toolkit, and `--config.check`.

mod drop_ins;
mod listeners;

use super::run;
use crate::support::program;
use std::path::PathBuf;
use tempfile::TempDir;

/// A directory with a configuration and a directory of drop-ins.
struct Host {
    folder: TempDir,
}

impl Host {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        std::fs::create_dir(folder.path().join("conf.d")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn drop_in(&self, name: &str, text: &str) {
        std::fs::write(self.path("conf.d").join(name), text).unwrap();
    }

    /// Checks the configuration with further arguments; `~` replaces the folder in the output.
    fn check(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        self.run("config.toml", arguments)
    }

    fn run(&self, config: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        let config = format!("--config.file={}", self.path(config).display());
        let drop_ins = format!("--config.dropins={}", self.path("conf.d").display());
        let mut all = vec!["serve", "--config.check", &config, &drop_ins];
        all.extend(arguments);
        let (code, out, error) = run(&all);
        let name = self.folder.path().to_str().unwrap();
        (code, out.replace(name, "~"), error.replace(name, "~"))
    }
}

const OK: &str = "configuration OK; files: ";

#[test]
fn a_check_prints_ok_or_every_error() {
    let host = Host::new("[bridge.selectors]\na = \"/run/a\"\n");
    host.drop_in("b.toml", "[bridge.selectors]\nb = \"/run/b\"\n");
    let (code, out, error) = host.check(&[]);
    assert_eq!(out, format!("{OK}2, selectors: 2\n"));
    assert_eq!((code, error.as_str()), (Some(0), ""));

    let host = Host::new("[service]\nport = 70000\ncolour = 1\n");
    let (code, out, error) = host.check(&["--web.telemetry-path=metrics"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.len(), 3, "{error}");
    for (line, expected) in lines.iter().zip([
        "~/config.toml:2:8: service.port: ",
        "~/config.toml:3:1: service.colour: ",
        "--web.telemetry-path: service.telemetry_path: \"metrics\", ",
    ]) {
        assert!(line.starts_with(expected), "{error}");
    }
    let (code, _, error) = host.run("absent.toml", &[]);
    assert_eq!(code, Some(2));
    assert!(error.starts_with("~/absent.toml: No such file"), "{error}");
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let host = Host::new("[service]\ntelemetry_path = \"file\"\n");
    let (_, _, error) = host.check(&[]);
    assert!(error.starts_with("~/config.toml:2:18: "), "{error}");
    let check = |arguments: &[&str]| {
        let output = program()
            .args(["serve", "--config.check", "--config"])
            .arg(host.path("config.toml"))
            .args(arguments)
            .env("LOCAL_EXPORTER__SERVICE__TELEMETRY_PATH", "environment")
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let error = check(&[]);
    let expected = "environment LOCAL_EXPORTER__SERVICE__TELEMETRY_PATH: service.telemetry_path: ";
    assert!(error.starts_with(expected), "{error}");
    let error = check(&["--web.telemetry-path=flag"]);
    assert!(error.starts_with("--web.telemetry-path: "), "{error}");
    assert_eq!(check(&["--web.telemetry-path=/flag"]), "");
}

#[test]
fn every_flag_is_validated_like_its_key() {
    let host = Host::new("");
    for (argument, key) in [
        ("--web.listen-address=localhost:9598", "listen[0]"),
        ("--web.telemetry-path=/bridge", "telemetry_path"),
        ("--web.external-url=host", "external_url"),
        ("--web.route-prefix=/a b", "route_prefix"),
    ] {
        let (code, _, error) = host.check(&[argument]);
        let flag = argument.split('=').next().unwrap();
        assert!(
            error.starts_with(&format!("{flag}: service.{key}: ")),
            "{error}"
        );
        assert_eq!((code, error.lines().count()), (Some(2), 1), "{error}");
    }
    for right in [
        "--web.listen-address=[::1]:0",
        "--web.listen-address=unix:/run/x?mode=0660&group=root",
        "--web.listen-address=vsock://:9598",
        "--web.systemd-socket",
        "--web.config.file=",
        "--web.telemetry-path=/own",
        "--web.max-requests=0",
        "--web.external-url=https://host:9443/exporter",
        "--web.route-prefix=/",
        "--web.enable-lifecycle",
        "--config.enable-auto-reload",
        "--timeout-offset=0.5",
        "--timeout-offset=0",
    ] {
        let (code, _, error) = host.check(&[right]);
        assert_eq!((code, error.as_str()), (Some(0), ""), "{right}");
    }
    let requests = ": not a whole number from 0 to 65536";
    let seconds = ": not a number of seconds from 0 to 60";
    for (arguments, expected) in [
        (&["--web.max-requests=-1"][..], requests),
        (&["--web.max-requests", "-1"], requests),
        (&["--web.max-requests=65537"], requests),
        (&["--timeout-offset=-1"], seconds),
        (&["--timeout-offset", "-1"], seconds),
        (&["--timeout-offset=60.5"], seconds),
        (&["--timeout-offset=soon"], seconds),
    ] {
        let (code, _, error) = host.check(arguments);
        assert_eq!(code, Some(2));
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}

#[test]
fn errors_of_referenced_files_are_reported_with_other_errors() {
    let host = Host::new(
        "[service]\nport = 70000\nweb_config_file = \"/nonexistent.yml\"\n\
         bearer_token_file = \"/nonexistent\"\n[bridge.selectors.a]\nkind = \"usd\"\n",
    );
    let (code, _, error) = host.check(&[]);
    let lines: Vec<_> = error.lines().collect();
    assert_eq!((code, lines.len()), (Some(2), 4), "{error}");
    for (line, expected) in lines.iter().zip([
        "~/config.toml:2:8: service.port: ",
        "~/config.toml:3:19: service.web_config_file: /nonexistent.yml: cannot be read",
        "~/config.toml:4:21: service.bearer_token_file: /nonexistent cannot be read",
        "~/config.toml:6:8: bridge.selectors.a.kind: ",
    ]) {
        assert!(line.starts_with(expected), "{error}");
    }
}

#[test]
fn a_relative_web_configuration_is_relative_to_the_working_directory() {
    let host = Host::new("");
    let output = program()
        .current_dir(host.folder.path())
        .args(["serve", "--config.check", "--web.config.file=absent.yml"])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let folder = host.folder.path().canonicalize().unwrap();
    let file = folder.join("absent.yml");
    assert!(error.contains(file.to_str().unwrap()), "{error}");
    assert_eq!(output.status.code(), Some(2), "{error}");
}
