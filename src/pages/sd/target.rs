//! One target for each selector: its address and its labels.
//!
//! Pure. Used by the page and by the command `sd`.

use local_exporter_config::{Listen, Listeners, Paths, Selector, Service};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::path::Path;
use std::time::Duration;

/// The longest host name with a port (RFC 1035, section 2.3.4).
const MAX_AUTHORITY: usize = 255 + ":65535".len();

/// One target with its labels.
#[derive(Debug, Serialize)]
pub(crate) struct TargetGroup<'a> {
    targets: [&'a str; 1],
    labels: BTreeMap<&'a str, Cow<'a, str>>,
}

/// The address under which Prometheus reaches the exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExternalAddress<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) prefix: &'a str,
    /// The unix socket of the exporter, for scrapers on its host that use it.
    pub(crate) unix_socket: Option<&'a str>,
}

impl<'a> TargetGroup<'a> {
    /// The target of a selector. `more` are labels of the host, which others replace.
    pub(crate) fn of(
        selector: &'a Selector,
        address: &ExternalAddress<'a>,
        more: &'a BTreeMap<String, String>,
    ) -> Self {
        let discovery = &selector.discovery;
        let own = more.iter().chain(&discovery.labels);
        let mut labels: BTreeMap<&str, Cow<'_, str>> = own
            .map(|(name, value)| (name.as_str(), value.as_str().into()))
            .collect();
        let name = selector.name.as_str();
        labels.extend([
            ("__scheme__", address.scheme.into()),
            (
                "__metrics_path__",
                format!("{}/bridge", address.prefix).into(),
            ),
            ("__param_selector", name.into()),
            ("__meta_local_exporter_selector", name.into()),
            ("__meta_local_exporter_kind", selector.source.kind().into()),
            // The only remaining label that differs between selectors of one host.
            ("selector", name.into()),
        ]);
        let times = [
            ("__scrape_interval__", discovery.scrape_interval),
            ("__scrape_timeout__", discovery.scrape_timeout),
        ];
        let times = times.into_iter();
        labels.extend(times.filter_map(|(name, time)| Some((name, duration(time?).into()))));
        let socket = address
            .unix_socket
            .map(|path| ("__unix_socket__", path.into()));
        labels.extend(socket);
        Self {
            targets: [address.authority],
            labels,
        }
    }
}

impl<'a> ExternalAddress<'a> {
    /// The configured external URL, if there is one.
    pub(crate) fn configured(paths: &'a Paths) -> Option<Self> {
        let external = paths.external.as_ref()?;
        Some(Self {
            scheme: external.scheme,
            authority: &external.authority,
            prefix: &external.path,
            unix_socket: None,
        })
    }
}

/// The path of the first unix socket on which the exporter listens; `None` also if it is not
/// UTF-8, which a label cannot contain.
pub(crate) fn unix_socket(service: &Service) -> Option<&str> {
    let Listeners::Configured(listeners) = &service.listeners else {
        return None;
    };
    listeners.iter().find_map(|listener| match listener {
        Listen::Unix(socket) => Path::to_str(&socket.path),
        Listen::Tcp(..) | Listen::Vsock(..) => None,
    })
}

/// Whether an authority is a host with an optional port, and nothing else that Prometheus interprets.
pub(crate) fn is_target(authority: &str) -> bool {
    let (host_is_one, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => (address.parse::<Ipv6Addr>().is_ok(), port),
            None => return false,
        },
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (name, port) = authority.split_at(end);
            let may_be = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            (!name.is_empty() && name.bytes().all(may_be), port)
        }
    };
    let port_is_one = match port.strip_prefix(':') {
        Some(number) => {
            number.bytes().all(|byte| byte.is_ascii_digit()) && number.parse::<u16>().is_ok()
        }
        None => port.is_empty(),
    };
    authority.len() <= MAX_AUTHORITY && host_is_one && port_is_one
}

/// A duration in the form of Prometheus, rounded up to milliseconds: `1m30s`.
fn duration(duration: Duration) -> String {
    let mut left = duration.as_nanos().div_ceil(1_000_000);
    let mut text = String::new();
    for (unit, millis) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        let count = left / millis;
        left %= millis;
        if count > 0 {
            text += &format!("{count}{unit}");
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_with_an_optional_port_is_a_target() {
        for good in [
            "localhost",
            "node-1.example:9598",
            "192.0.2.1:80",
            "[::1]",
            "[2001:db8::1]:9598",
            "a_b:65535",
        ] {
            assert!(is_target(good), "{good}");
        }
        let long = "a".repeat(MAX_AUTHORITY + 1);
        for bad in [
            "", ":80", "a:", "a:65536", "a:+1", "a:8a", "a:1:2", "::1", "[::1", "[::1]x", "[a]:1",
            "u@h", "a/b", "a b", "ä", "a,b", &long,
        ] {
            assert!(!is_target(bad), "{bad}");
        }
    }

    #[test]
    fn durations_are_written_as_prometheus_reads_them() {
        for (millis, text) in [
            (15_000, "15s"),
            (90_000, "1m30s"),
            (500, "500ms"),
            (86_400_000, "24h"),
            (3_661_001, "1h1m1s1ms"),
            (0, "0s"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(duration(Duration::from_nanos(1)), "1ms");
    }
}
