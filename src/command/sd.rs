//! `local-exporter sd`: the targets of `/sd`, also for many hosts with one configuration.

use super::configuration::{Configuration, load};
use super::exit::{WRONG, complain, print};
use crate::pages::sd::{ExternalAddress, TargetGroup, is_target, unix_socket};
use clap::{Args, ValueEnum};
use local_exporter_config::{Flags, Settings, read_file, shown};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The largest file with hosts that is read.
const MAX_BYTES: u64 = 16 << 20;

#[derive(Args, Debug)]
pub(super) struct Sd {
    /// A file with the hosts that have this configuration: one HOST:PORT per line, or JSON as for
    /// Prometheus' service discovery from files, with labels. Without it, the host of the external URL.
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    /// The scheme of the targets [default: that of the external URL, or http].
    #[arg(long, value_enum)]
    scheme: Option<Scheme>,
    /// Adds the exporter's own unix socket as a label, for scrapers on the same host.
    #[arg(long)]
    unix_socket: bool,
    #[command(flatten)]
    configuration: Configuration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scheme {
    Http,
    Https,
}

/// Hosts, and labels for all of their targets.
#[derive(Debug, Default, Deserialize)]
struct Hosts {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl Sd {
    pub(super) fn execute(&self) -> ExitCode {
        let loaded = match load(&self.configuration.layers(Flags::default())) {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        for warning in &loaded.warnings {
            complain(&format!("left out: {warning}"));
        }
        match self.list(&loaded.settings) {
            Ok(list) => print((list + "\n").as_bytes()),
            Err(error) => {
                complain(&error);
                ExitCode::from(WRONG)
            }
        }
    }

    /// The targets of all hosts, host by host, as JSON.
    fn list(&self, settings: &Settings) -> Result<String, String> {
        let configured = ExternalAddress::configured(&settings.service.paths);
        let hosts = match (&self.targets, configured) {
            (Some(file), _) => read_hosts(file)?,
            (None, Some(address)) => vec![Hosts::one(address.authority)],
            (None, None) if self.unix_socket => vec![Hosts::one("localhost")],
            (None, None) => {
                return Err(
                    "the address of the exporter is unknown; name the hosts with --targets, \
                            or set service.external_url"
                        .to_owned(),
                );
            }
        };
        let socket = match self.unix_socket {
            false => None,
            true => Some(unix_socket(&settings.service).ok_or(
                "the exporter does not listen on a unix socket; add one to service.listen",
            )?),
        };
        let scheme = match (self.scheme, configured) {
            (Some(Scheme::Http), _) | (None, None) => "http",
            (Some(Scheme::Https), _) => "https",
            (None, Some(address)) => address.scheme,
        };
        let prefix = configured.map_or(&*settings.service.paths.prefix, |address| address.prefix);
        let mut groups = Vec::new();
        for hosts in &hosts {
            for authority in &hosts.targets {
                let address = ExternalAddress {
                    scheme,
                    authority,
                    prefix,
                    unix_socket: socket,
                };
                let selectors = settings.selectors.iter();
                groups.extend(selectors.map(|it| TargetGroup::of(it, &address, &hosts.labels)));
            }
        }
        serde_json::to_string_pretty(&groups)
            .map_err(|error| format!("cannot encode the targets: {error}"))
    }
}

impl Hosts {
    fn one(authority: &str) -> Self {
        Self {
            targets: vec![authority.to_owned()],
            labels: BTreeMap::new(),
        }
    }
}

fn read_hosts(file: &Path) -> Result<Vec<Hosts>, String> {
    let name = shown(file);
    let bytes = read_file(file, MAX_BYTES).map_err(|error| format!("{name}: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|error| format!("{name}: {error}"))?;
    let hosts = parse(&text).map_err(|error| format!("{name}: {error}"))?;
    let mut all = hosts.iter().flat_map(|hosts| &hosts.targets);
    match all.find(|host| !is_target(host)) {
        Some(wrong) => Err(format!(
            "{name}: {wrong:?} is not a host with an optional port"
        )),
        None => Ok(hosts),
    }
}

fn parse(text: &str) -> Result<Vec<Hosts>, serde_json::Error> {
    if text.trim_start().starts_with('[') && text.trim_end().ends_with(']') {
        return serde_json::from_str(text);
    }
    let lines = text.lines().map(str::trim);
    let hosts = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(hosts.map(Hosts::one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_lines_or_groups() {
        let lines = parse("# all\n\n a:1 \n[::1]:9598\n").unwrap();
        let names: Vec<_> = lines.iter().flat_map(|hosts| &hosts.targets).collect();
        assert_eq!(names, ["a:1", "[::1]:9598"]);
        let json = r#"[{"targets": ["a:1", "b:2"], "labels": {"rack": "7"}}, {"targets": []}]"#;
        let groups = parse(json).unwrap();
        assert_eq!(groups[0].targets, ["a:1", "b:2"]);
        assert_eq!(groups[0].labels["rack"], "7");
        assert!(groups[1].targets.is_empty());
        assert!(parse("[1]").is_err());
    }
}
