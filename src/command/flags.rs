//! The flags that set keys of `[service]`, in the spelling of the exporter-toolkit.
//!
//! Each flag sets one key and is validated like that key in a file. Relative paths are relative to the
//! working directory.

use clap::Args;
use local_exporter_config::{Flag, FlagValue, Flags, MAX_COUNT, MAX_TIMEOUT_OFFSET};
use std::time::Duration;

/// Flags for keys of `[service]`. They override the environment and all files.
#[derive(Args, Debug)]
#[command(next_help_heading = "Service")]
pub(super) struct ServiceFlags {
    // Not a doc comment, in which rustdoc would find links.
    #[arg(
        id = "web.listen-address",
        long,
        value_name = "ADDRESS",
        help = "The address to listen on: :9598, [::1]:9598, unix:/path?mode=0660&group=name, vsock://:9598; \
                repeatable"
    )]
    listen_address: Vec<String>,
    /// Listen on the sockets that systemd passes, instead of addresses.
    #[arg(id = "web.systemd-socket", long)]
    systemd_socket: bool,
    /// The web configuration file with TLS, users, headers and rate limits, as in other exporters.
    #[arg(id = "web.config.file", long, value_name = "FILE")]
    web_config: Option<String>,
    /// The path of the exporter's own metrics [default: /metrics].
    #[arg(id = "web.telemetry-path", long, value_name = "PATH")]
    telemetry_path: Option<String>,
    /// The most concurrent scrapes; 0 means as many as possible.
    #[arg(
        id = "web.max-requests",
        long,
        value_name = "COUNT",
        value_parser = requests,
        allow_negative_numbers = true
    )]
    max_requests: Option<u32>,
    /// The URL under which clients reach the exporter.
    #[arg(id = "web.external-url", long, value_name = "URL")]
    external_url: Option<String>,
    /// The prefix of every path [default: the path of the external URL].
    #[arg(id = "web.route-prefix", long, value_name = "PATH")]
    route_prefix: Option<String>,
    /// Enable reloading by POST /-/reload.
    #[arg(id = "web.enable-lifecycle", long)]
    lifecycle: bool,
    /// Reload the configuration when one of its files changes.
    #[arg(id = "config.enable-auto-reload", long)]
    auto_reload: bool,
    /// Seconds to subtract from the scraper's timeout [default: 0.5].
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    timeout_offset: Option<Duration>,
}

impl ServiceFlags {
    /// The flags that are present, as values of their keys.
    pub(super) fn given(&self) -> Flags {
        let listen = (!self.listen_address.is_empty()).then(|| self.listen_address.clone());
        let on = |flag: bool| flag.then_some(FlagValue::Given);
        let text = |text: &Option<String>| text.clone().map(FlagValue::Text);
        let web_config = self.web_config.as_deref().map(absolute);
        let requests = self.max_requests.map(|count| match count {
            // In the exporter-toolkit, 0 means no limit.
            0 => MAX_COUNT,
            count => count,
        });
        let offset = self.timeout_offset.map(humantime::format_duration);
        let all = [
            (
                "--web.listen-address",
                "listen",
                listen.map(FlagValue::Texts),
            ),
            (
                "--web.systemd-socket",
                "systemd_socket",
                on(self.systemd_socket),
            ),
            (
                "--web.config.file",
                "web_config_file",
                web_config.map(FlagValue::Text),
            ),
            (
                "--web.telemetry-path",
                "telemetry_path",
                text(&self.telemetry_path),
            ),
            (
                "--web.max-requests",
                "max_in_flight",
                requests.map(FlagValue::Number),
            ),
            (
                "--web.external-url",
                "external_url",
                text(&self.external_url),
            ),
            (
                "--web.route-prefix",
                "route_prefix",
                text(&self.route_prefix),
            ),
            ("--web.enable-lifecycle", "lifecycle", on(self.lifecycle)),
            (
                "--config.enable-auto-reload",
                "auto_reload",
                on(self.auto_reload),
            ),
            (
                "--timeout-offset",
                "timeout_offset",
                offset.map(|offset| FlagValue::Text(offset.to_string())),
            ),
        ];
        let given = all.into_iter().filter_map(|(name, key, value)| {
            let key = ("service", key);
            value.map(|value| Flag { name, key, value })
        });
        Flags(given.collect())
    }
}

fn absolute(path: &str) -> String {
    // An empty path means no file, as in the toolkit.
    let absolute = std::path::absolute(path).unwrap_or_default();
    absolute.to_string_lossy().into_owned()
}

// clap passes negative numbers to these two, so that they get the same error as others.
fn requests(text: &str) -> Result<u32, String> {
    let requests = text.parse().ok().filter(|count| *count <= MAX_COUNT);
    requests.ok_or_else(|| format!("not a whole number from 0 to {MAX_COUNT}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::try_from_secs_f64);
    match seconds {
        Some(Ok(seconds)) if seconds <= MAX_TIMEOUT_OFFSET => Ok(seconds),
        _ => Err("not a number of seconds from 0 to 60".to_owned()),
    }
}
