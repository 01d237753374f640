//! The flags of `serve`, in the spelling of the exporter-toolkit, and `--config.check`.

use super::run;
use crate::support::program;
use std::path::{Path, PathBuf};
use std::process::Stdio;
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
        (code, out, error.replace(name, "~"))
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
fn a_drop_in_with_errors_is_left_out_or_an_error_with_strict_dropins() {
    let host = Host::new("[bridge.selectors]\na = \"/run/a\"\n");
    host.drop_in(
        "b.toml",
        "[bridge.selectors.b]\nkind = \"uds\"\npath = \"b\"\n",
    );
    let (code, out, error) = host.check(&[]);
    assert_eq!(out, format!("{OK}2, selectors: 1\n"));
    let expected = "left out: ~/conf.d/b.toml:3:8: bridge.selectors.b.path: \"b\", ";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(code, Some(0));

    let text = "[service]\nstrict_dropins = true\n";
    std::fs::write(host.path("config.toml"), text).unwrap();
    let (code, out, error) = host.check(&[]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    let expected = "~/conf.d/b.toml:3:8: bridge.selectors.b.path: \"b\", ";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn an_unreadable_token_leaves_out_the_drop_in_that_names_it() {
    let host = Host::new("[bridge.selectors]\na = \"/run/a\"\n");
    let token = host.path("token");
    let drop_in = format!(
        "[bridge.selectors.b]\nkind = \"uds\"\npath = \"/run/b\"\nbearer_token_file = {}\n",
        crate::support::quoted(&token)
    );
    host.drop_in("b.toml", &drop_in);
    let place = "~/conf.d/b.toml:4:21: bridge.selectors.b.bearer_token_file: ";
    let (code, out, error) = host.check(&[]);
    let expected = format!("left out: {place}~/token cannot be read: No such file");
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!((code, out), (Some(0), format!("{OK}2, selectors: 1\n")));

    std::fs::write(&token, "secret").unwrap();
    let (code, out, error) = host.check(&[]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(out, format!("{OK}2, selectors: 2\n"));

    // An error of the main file leaves out no drop-in, and neither does one with strict_dropins.
    std::fs::write(&token, "").unwrap();
    std::fs::write(host.path("config.toml"), drop_in.replace(".b]", ".c]")).unwrap();
    let (code, _, error) = host.check(&[]);
    let expected =
        "~/config.toml:4:21: bridge.selectors.c.bearer_token_file: ~/token contains no token";
    assert!(error.contains(expected), "{error}");
    assert_eq!(code, Some(2));
    let strict = "[service]\nstrict_dropins = true\n";
    std::fs::write(host.path("config.toml"), strict).unwrap();
    let (code, _, error) = host.check(&[]);
    assert!(error.starts_with(place), "{error}");
    assert_eq!(code, Some(2));
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
fn an_invalid_listener_is_explained() {
    let host = Host::new("");
    let long = format!("unix:/{}", "x".repeat(107));
    for (listener, expected) in [
        (":99999", "expected a port from 0 to 65535"),
        (
            "unix:/x?mode=999",
            "expected a mode of three or four octal digits",
        ),
        (
            "unix:/x?foo=1",
            "expected only the options `mode=` and `group=`",
        ),
        (&long, "expected a path of at most 107 bytes (unix(7))"),
        (
            "unix:/x?group=no-such-group",
            "unix:/x: group \"no-such-group\" does not exist in /etc/group",
        ),
    ] {
        let (code, _, error) = host.check(&[&format!("--web.listen-address={listener}")]);
        assert_eq!((code, error.lines().count()), (Some(2), 1), "{error}");
        assert!(
            error.starts_with("--web.listen-address: service.listen"),
            "{error}"
        );
        assert!(error.contains(expected), "{error}");
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
fn a_variable_for_a_selector_of_a_drop_in_with_errors_affects_no_other_selector() {
    let host = Host::new("[bridge.selectors]\na = \"/run/a\"\n");
    host.drop_in("p.toml", "[bridge.selectors.p]\nkind = \"usd\"\n");
    let output = program()
        .args(["serve", "--config.check", "--config"])
        .arg(host.path("config.toml"))
        .arg("--config.dropins")
        .arg(host.path("conf.d"))
        .env("LOCAL_EXPORTER__BRIDGE__SELECTORS__P__TIMEOUT", "2s")
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{error}");
    let messages: Vec<_> = error.lines().collect();
    assert_eq!(messages.len(), 2, "{error}");
    assert!(
        messages[0].contains("/conf.d/p.toml:2:8: bridge.selectors.p.kind: \"usd\""),
        "{error}"
    );
    let variable = "left out: environment LOCAL_EXPORTER__BRIDGE__SELECTORS__P__TIMEOUT: ";
    assert!(messages[1].starts_with(variable), "{error}");
}

#[test]
fn all_addresses_of_flags_are_bound() {
    use std::io::{BufRead, BufReader};
    let host = Host::new("[service]\nport = 1\n");
    let mut child = program()
        .args(["serve", "--log.format=json", "--config.file"])
        .arg(host.path("config.toml"))
        .args([
            "--web.listen-address=127.0.0.1:0",
            "--web.listen-address=127.0.0.2:0",
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut found = Vec::new();
    for line in lines.map_while(Result::ok) {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        if event["msg"] == "listening" {
            found.push(event["address"].as_str().unwrap().to_owned());
        }
        if found.len() == 2 {
            break;
        }
    }
    let healthy = |address: &String| {
        let reply = crate::support::get(&format!("http://{address}/-/healthy"), &[]);
        reply.status == 200
    };
    let all = found.iter().all(healthy);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(all, "{found:?}");
    assert!(
        found[0].starts_with("127.0.0.1:") && found[1].starts_with("127.0.0.2:"),
        "{found:?}"
    );
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

#[test]
fn scrape_finds_selectors_of_drop_ins() {
    let host = Host::new("");
    let file = host.path("m.prom");
    std::fs::write(&file, "a 1\n").unwrap();
    let quoted = crate::support::quoted(&file);
    host.drop_in(
        "a.toml",
        &format!("[bridge.selectors.a]\nkind = \"file\"\npath = {quoted}\n"),
    );
    host.drop_in("wrong.toml", "[service]\n");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (config, drop_ins) = (text(&host.path("config.toml")), text(&host.path("conf.d")));
    let arguments = ["scrape", "a", "-c", &config, "--config.dropins", &drop_ins];
    let (code, out, error) = run(&arguments);
    assert_eq!((code, out.as_str()), (Some(0), "a 1\n"), "{error}");
    assert!(error.starts_with("left out: "), "{error}");
}
