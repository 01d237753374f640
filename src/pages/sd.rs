//! `/sd`: every selector as a target of its own, for the HTTP service discovery of Prometheus.
//!
//! A list of groups, one for each selector, in the order of the configuration,
//! since Prometheus tells groups apart by their place in the list. Labels whose
//! names begin with `__` say how to scrape; they need no relabelling, and
//! Prometheus drops them afterwards. It reads the running configuration and may
//! not ask an actor: a daemon that is down stays a target, with `up` 0.

use crate::exporter::Exporter;
use crate::http::client::Scheme;
use crate::http::{gzip, reply};
use actix_web::http::header;
use actix_web::http::uri::Authority;
use actix_web::{HttpRequest, HttpResponse, web};
use local_exporter_config::{Paths, Selector};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

/// What Prometheus asks for, and nothing behind it.
const JSON: &str = "application/json";
/// The longest name of a host, with a port behind it (RFC 1035, section 2.3.4).
const LONGEST_AUTHORITY: usize = 255 + ":65535".len();

/// One target and its labels.
#[derive(Debug, Serialize)]
struct Group<'a> {
    targets: [&'a str; 1],
    labels: BTreeMap<&'a str, Cow<'a, str>>,
}

impl<'a> Group<'a> {
    fn of(selector: &'a Selector, outside: &Outside<'a>) -> Self {
        let discovery = &selector.discovery;
        let own = discovery.labels.iter();
        let mut labels: BTreeMap<&str, Cow<'_, str>> = own
            .map(|(name, value)| (name.as_str(), value.as_str().into()))
            .collect();
        let name = selector.name.as_str();
        labels.extend([
            ("__scheme__", outside.scheme.into()),
            ("__metrics_path__", outside.bridge().into()),
            ("__param_selector", name.into()),
            ("__meta_local_exporter_selector", name.into()),
            ("__meta_local_exporter_kind", selector.source.kind().into()),
            // Two selectors of one host differ in nothing else that stays.
            ("selector", name.into()),
        ]);
        let times = [
            ("__scrape_interval__", discovery.scrape_interval),
            ("__scrape_timeout__", discovery.scrape_timeout),
        ];
        let times = times.into_iter();
        labels.extend(times.filter_map(|(name, time)| Some((name, duration(time?).into()))));
        Self {
            targets: [outside.authority],
            labels,
        }
    }
}

/// How Prometheus reaches the exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outside<'a> {
    scheme: &'a str,
    authority: &'a str,
    prefix: &'a str,
}

impl<'a> Outside<'a> {
    /// As the configuration says, or else as this request did; `None` if that is no good either.
    fn seen_by(request: &'a HttpRequest, paths: &'a Paths) -> Option<Self> {
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

/// The host that a request is for, with its port if that was said, where it can be a target.
fn host(request: &HttpRequest) -> Option<&str> {
    // HTTP/2 has it in the URI (RFC 9113, section 8.3.1).
    let in_uri = request.uri().authority().map(Authority::as_str);
    let mut headers = request.headers().get_all(header::HOST);
    let in_header = headers.next().and_then(|host| host.to_str().ok());
    if headers.next().is_some() {
        return None;
    }
    in_uri.or(in_header).filter(|host| is_target(host))
}

/// Whether this is a host and perhaps a port, and nothing that Prometheus takes for anything else.
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
    authority.len() <= LONGEST_AUTHORITY && host_is_one && port_is_one
}

/// A duration as Prometheus writes them, rounded up to milliseconds: `1m30s`.
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
    let Some(outside) = Outside::seen_by(&request, &settings.service.paths) else {
        return reply::bad_request(
            "the request has no usable Host, so there is no address to name: \
             set --web.external-url to the one that Prometheus is to use",
        );
    };
    let selectors = settings.selectors.iter();
    let groups: Vec<_> = selectors.map(|it| Group::of(it, &outside)).collect();
    match serde_json::to_string(&groups) {
        Ok(json) => {
            let mut response = HttpResponse::Ok();
            response.insert_header((header::CONTENT_TYPE, JSON));
            gzip::respond(&request, &exporter.compressors, response, json.into()).await
        }
        Err(error) => reply::internal(&format!("the targets cannot be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_with_or_without_a_port_is_a_target() {
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
        let long = "a".repeat(LONGEST_AUTHORITY + 1);
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
