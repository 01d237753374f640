//! `/sd`: every selector as a target, for Prometheus' HTTP service discovery.
//!
//! The response has one group per selector in the order of the configuration, since Prometheus
//! identifies groups by their position. Labels that begin with `__` configure the scrape without
//! relabelling; Prometheus drops them afterwards. The page sends no message to an actor, so a daemon
//! that is down stays a target, with `up` 0.

use crate::exporter::Exporter;
use crate::http::client::Scheme;
use crate::http::reply;
use actix_web::http::header;
use actix_web::http::uri::Authority;
use actix_web::{HttpRequest, HttpResponse, web};
use local_exporter_config::{Paths, Selector};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

/// The media type that Prometheus requires, without parameters.
const JSON: &str = "application/json";
/// The longest host name with a port (RFC 1035, section 2.3.4).
const MAX_AUTHORITY: usize = 255 + ":65535".len();

/// One target with its labels.
#[derive(Debug, Serialize)]
struct TargetGroup<'a> {
    targets: [&'a str; 1],
    labels: BTreeMap<&'a str, Cow<'a, str>>,
}

impl<'a> TargetGroup<'a> {
    fn of(selector: &'a Selector, external_address: &ExternalAddress<'a>) -> Self {
        let discovery = &selector.discovery;
        let own = discovery.labels.iter();
        let mut labels: BTreeMap<&str, Cow<'_, str>> = own
            .map(|(name, value)| (name.as_str(), value.as_str().into()))
            .collect();
        let name = selector.name.as_str();
        labels.extend([
            ("__scheme__", external_address.scheme.into()),
            ("__metrics_path__", external_address.bridge().into()),
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
        Self {
            targets: [external_address.authority],
            labels,
        }
    }
}

/// The address under which Prometheus reaches the exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ExternalAddress<'a> {
    scheme: &'a str,
    authority: &'a str,
    prefix: &'a str,
}

impl<'a> ExternalAddress<'a> {
    /// The configured external URL, or else the address of this request; `None` if that is unusable.
    fn for_request(request: &'a HttpRequest, paths: &'a Paths) -> Option<Self> {
        if let Some(external) = &paths.external {
            return Some(Self {
                scheme: external.scheme,
                authority: &external.authority,
                prefix: &external.path,
            });
        }
        Some(Self {
            scheme: request.conn_data().unwrap_or(&Scheme::Http).as_str(),
            authority: host(request)?,
            prefix: &paths.prefix,
        })
    }

    fn bridge(&self) -> String {
        format!("{}/bridge", self.prefix)
    }
}

/// The host and port that a request is for, if they are valid in a target.
fn host(request: &HttpRequest) -> Option<&str> {
    // HTTP/2 sends it in the URI (RFC 9113, section 8.3.1).
    let in_uri = request.uri().authority().map(Authority::as_str);
    let mut headers = request.headers().get_all(header::HOST);
    let in_header = headers.next().and_then(|host| host.to_str().ok());
    if headers.next().is_some() {
        return None;
    }
    in_uri.or(in_header).filter(|host| is_target(host))
}

/// Whether an authority is a host with an optional port, and nothing else that Prometheus interprets.
fn is_target(authority: &str) -> bool {
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

/// `GET /sd`.
pub(crate) async fn targets(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    let settings = exporter.settings.load();
    let Some(external_address) = ExternalAddress::for_request(&request, &settings.service.paths)
    else {
        return reply::bad_request(
            "the request has no valid Host header, so the address of the exporter is unknown; \
             set --web.external-url",
        );
    };
    let render = || {
        let selectors = settings.selectors.iter();
        let groups = selectors.map(|it| TargetGroup::of(it, &external_address));
        serde_json::to_string(&groups.collect::<Vec<_>>())
    };
    let ExternalAddress {
        scheme,
        authority,
        prefix,
    } = external_address;
    let variant = format!("{scheme}://{authority}{prefix}");
    match exporter.pages.targets.get(variant, render) {
        Ok(page) => {
            let mut response = HttpResponse::Ok();
            response.insert_header((header::CONTENT_TYPE, JSON));
            page.respond_compressed(&request, &exporter.compressors, response)
                .await
        }
        Err(error) => reply::internal(&format!("cannot encode the targets: {error}")),
    }
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
