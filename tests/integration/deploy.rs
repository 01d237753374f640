//! The files in `deploy/` are parsed, checked with the tools of their formats, and compared with each other.

use local_exporter_config::{Environment, Input, Source, load};
use local_exporter_skip::skip;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn settings(name: &str, text: String) -> local_exporter_config::Settings {
    let input = Input {
        name: name.to_owned(),
        text,
    };
    load(Some(&input), &Environment::new()).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_example_configuration_loads_unchanged_and_with_all_keys_uncommented() {
    let example = text("deploy/config.example.toml");
    let shipped = settings("config.example.toml", example.clone());
    let kinds = |settings: &local_exporter_config::Settings| {
        let sources = settings.selectors.iter();
        sources
            .map(|selector| selector.source.kind())
            .collect::<Vec<_>>()
    };
    for kind in ["uds", "dbus", "file", "directory"] {
        assert!(kinds(&shipped).contains(&kind), "{kind}");
    }
    // A commented key is `#key = value`; prose has a space after `#`.
    let in_use: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase()) => key,
            _ => line,
        })
        .map(|line| format!("{line}\n"))
        .collect();
    assert_ne!(in_use, example);
    settings("config.example.toml (all in use)", in_use);
}

#[test]
fn the_bus_policy_allows_the_call_of_the_example() {
    let policy = text("deploy/dbus/com.github.lucab.Prombus.conf");
    let shipped = settings("config.example.toml", text("deploy/config.example.toml"));
    let dbus = shipped
        .selectors
        .iter()
        .find_map(|selector| match &selector.source {
            Source::Dbus(dbus) => Some(dbus.clone()),
            Source::Uds(_) | Source::File(_) | Source::Directory(_) => None,
        });
    let dbus = dbus.unwrap();
    assert!(
        policy.contains(&format!("\"{}\"", dbus.destination)),
        "{policy}"
    );
    assert!(
        policy.contains(&format!("\"{}\"", dbus.interface)),
        "{policy}"
    );
}

#[test]
fn promtool_accepts_the_scrape_configuration() {
    let output = Command::new("promtool")
        .args(["check", "config"])
        .arg(root("deploy/prometheus.example.yml"))
        .output()
        .expect("promtool is missing: run .ci/packages, or install Prometheus");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_containerfile_and_the_unit_start_the_same_program_on_the_same_port() {
    let containerfile = text("deploy/Containerfile");
    let unit = text("deploy/local-exporter.service");
    assert!(containerfile.contains("EXPOSE 9598"), "{containerfile}");
    assert!(containerfile.contains("\"serve\""), "{containerfile}");
    assert!(
        unit.contains("ExecStart=/usr/bin/local-exporter serve"),
        "{unit}"
    );
    for hardening in [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=\n",
        "MemoryDenyWriteExecute=yes",
        "RestrictAddressFamilies=",
    ] {
        assert!(unit.contains(hardening), "{hardening} is not in {unit}");
    }
}

/// The output of a tool of systemd, if the tool is installed.
fn output_of(mut tool: Command) -> Option<String> {
    match tool.output() {
        Ok(output) => {
            let report = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{tool:?}: {report}");
            Some(report)
        }
        Err(error) => {
            skip(format_args!("{tool:?} cannot be started ({error})"));
            None
        }
    }
}

#[test]
fn systemd_accepts_every_key_of_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_local-exporter");
    let units = ["local-exporter.service", "local-exporter.socket"].map(|name| {
        let unit = text(&format!("deploy/{name}")).replace("/usr/bin/local-exporter", program);
        let path = folder.path().join(name);
        std::fs::write(&path, unit).unwrap();
        path
    });
    let mut tool = Command::new("systemd-analyze");
    tool.args(["verify", "--recursive-errors=no"]).args(units);
    if let Some(report) = output_of(tool) {
        let ours = report.lines().find(|line| line.contains("local-exporter."));
        assert_eq!(ours, None, "{report}");
    }
}

#[test]
fn sysusers_creates_the_user_of_the_unit() {
    let root_folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(root_folder.path().join("etc")).unwrap();
    let mut tool = Command::new("systemd-sysusers");
    tool.arg(format!("--root={}", root_folder.path().display()))
        .arg(root("deploy/local-exporter.sysusers.conf"));
    if output_of(tool).is_some() {
        let users = std::fs::read_to_string(root_folder.path().join("etc/passwd")).unwrap();
        let unit = text("deploy/local-exporter.service");
        let user = unit.lines().find_map(|line| line.strip_prefix("User="));
        assert!(users.starts_with(&format!("{}:", user.unwrap())), "{users}");
    }
}

#[test]
fn tmpfiles_creates_the_directory_of_drop_ins_readable_for_all() {
    use std::os::unix::fs::PermissionsExt;
    let root_folder = tempfile::tempdir().unwrap();
    let mut tool = Command::new("systemd-tmpfiles");
    tool.arg("--create")
        .arg(format!("--root={}", root_folder.path().display()))
        .arg(root("deploy/local-exporter.tmpfiles.conf"));
    if output_of(tool).is_some() {
        let made = root_folder.path().join("run/local-exporter/conf.d");
        let mode = made.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
    }
    // The unit must not own it: systemd would remove it with the service.
    let unit = text("deploy/local-exporter.service");
    let own = unit
        .lines()
        .find_map(|line| line.strip_prefix("RuntimeDirectory="));
    assert_eq!(own, Some("local-exporter/http"));
}

#[test]
fn the_quadlet_and_the_exporter_have_the_same_watchdog_interval() {
    let quadlet = text("deploy/local-exporter.container");
    let value = |key: &str| quadlet.lines().find_map(|line| line.strip_prefix(key));
    assert_eq!(value("Notify="), Some("true"));
    let seconds: u64 = value("Environment=WATCHDOG_USEC=")
        .unwrap()
        .parse()
        .unwrap();
    let wanted = value("WatchdogSec=")
        .and_then(|wanted| wanted.strip_suffix('s'))
        .unwrap();
    assert_eq!(format!("{}", seconds / 1_000_000), wanted);
}

#[test]
fn no_profile_aborts_on_panic() {
    for manifest in ["Cargo.toml", "actors/Cargo.toml", "config/Cargo.toml"] {
        let text = text(manifest);
        let aborts = |line: &&str| line.trim().starts_with("panic") && line.contains("abort");
        assert_eq!(
            text.lines().find(aborts),
            None,
            "{manifest}: supervision needs unwinding"
        );
    }
}

#[test]
fn the_daemonset_is_yaml_and_its_configuration_loads() {
    let text = text("deploy/daemonset.yaml");
    let objects: Vec<serde_json::Value> = text
        .split("\n---\n")
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect();
    let kinds: Vec<&str> = objects
        .iter()
        .map(|object| object["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["Namespace", "ConfigMap", "DaemonSet", "PodMonitor"]);
    let toml = objects[1]["data"]["config.toml"].as_str().unwrap();
    let selectors = settings("daemonset.yaml", toml.to_owned()).selectors;
    let names = selectors.iter().map(|selector| selector.name.as_str());
    // One endpoint for the exporter itself, and one for each selector.
    let endpoints = objects[3]["spec"]["podMetricsEndpoints"]
        .as_array()
        .unwrap();
    let scraped = endpoints
        .iter()
        .filter_map(|endpoint| endpoint["params"]["selector"][0].as_str());
    assert!(scraped.eq(names), "{toml}");
}
