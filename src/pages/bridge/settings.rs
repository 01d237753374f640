//! A selector's settings as TOML, with every default in its place.
//!
//! For people. Written from the settings in force, not from the text they came
//! from, so that it shows what counts. No key of a selector has a secret for a
//! value: files that hold one are named, and never read here.

use local_exporter_config::{BodyPolicy, Bus, Discovery, FileOptions, Limits, Selector, Source};
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

/// The table of a selector.
pub(super) fn as_toml(selector: &Selector) -> String {
    let mut table = Table(format!("[bridge.selectors.{}]\n", quoted(&selector.name)));
    source(&mut table, &selector.source);
    limits(&mut table, &selector.limits, &selector.source);
    policy(&mut table, &selector.body_policy);
    let access = &selector.access;
    if let Some(file) = &access.bearer_token_file {
        table.path("bearer_token_file", file);
    }
    let networks = access.allow_from.iter();
    let networks = networks.map(|network| format!("{}/{}", network.address, network.prefix));
    table.list("allow_from", networks);
    discovery(&mut table, &selector.discovery);
    table.0
}

fn source(table: &mut Table, source: &Source) {
    table.text("kind", source.kind());
    match source {
        Source::Uds(uds) => table.path("path", &uds.path),
        Source::Dbus(dbus) => {
            let bus = match &dbus.bus {
                Bus::System => "system",
                Bus::Session => "session",
                Bus::Address(address) => address,
            };
            table.text("bus", bus);
            table.text("destination", &dbus.destination);
            table.text("path", &dbus.path);
            table.text("method", &format!("{}.{}", dbus.interface, dbus.member));
            table.bare("auto_start", dbus.auto_start);
            if let Some(uid) = dbus.auth_uid {
                table.bare("auth_uid", uid);
            }
        }
        Source::File(file) => {
            let paths = file.paths.iter();
            table.list(
                "path",
                paths.map(|path| path.to_string_lossy().into_owned()),
            );
            file_options(table, &file.options);
        }
        Source::Directory(directory) => {
            table.path("path", &directory.path);
            table.path("socket", &directory.socket);
        }
    }
}

fn file_options(table: &mut Table, options: &FileOptions) {
    table.list("pattern", options.patterns.iter().cloned());
    table.bare("strict_files", options.strict);
    table.time("keep_last_good", options.keep_last_good);
    if let Some(max_age) = options.max_age {
        table.time("max_age", max_age);
    }
}

fn limits(table: &mut Table, limits: &Limits, source: &Source) {
    table.time("timeout", limits.timeout);
    table.bare("max_bytes", limits.max_bytes);
    table.bare("max_in_flight", limits.max_in_flight);
    match source {
        Source::File(_) => table.time("refresh", limits.refresh),
        Source::Uds(_) | Source::Dbus(_) => table.time("min_interval", limits.min_interval),
        Source::Directory(_) => {
            table.time("refresh", limits.refresh);
            table.time("min_interval", limits.min_interval);
        }
    }
}

fn policy(table: &mut Table, policy: &BodyPolicy) {
    table.text("check", policy.check.as_str());
    table.text("format", policy.format.as_str());
    table.text("timestamps", policy.timestamps.as_str());
    table.bare("allow_empty", policy.allow_empty);
}

fn discovery(table: &mut Table, discovery: &Discovery) {
    if let Some(interval) = discovery.scrape_interval {
        table.time("scrape_interval", interval);
    }
    if let Some(timeout) = discovery.scrape_timeout {
        table.time("scrape_timeout", timeout);
    }
    for (name, value) in &discovery.labels {
        table.text(&format!("labels.{name}"), value);
    }
}

/// A table that grows by a line for each key.
struct Table(String);

impl Table {
    fn bare(&mut self, key: &str, value: impl Display) {
        self.0 += &format!("{key} = {value}\n");
    }

    fn text(&mut self, key: &str, value: &str) {
        self.bare(key, quoted(value));
    }

    fn path(&mut self, key: &str, value: &Path) {
        self.text(key, &value.to_string_lossy());
    }

    fn time(&mut self, key: &str, value: Duration) {
        self.text(key, &humantime::format_duration(value).to_string());
    }

    /// Nothing where there is nothing to list.
    fn list(&mut self, key: &str, values: impl Iterator<Item = String>) {
        let values: Vec<_> = values.map(|value| quoted(&value)).collect();
        if !values.is_empty() {
            self.bare(key, format!("[{}]", values.join(", ")));
        }
    }
}

/// A string of JSON, which is one of TOML as well (TOML 1.0, "Basic strings").
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
