//! The paths of pages: the route prefix, the path of the metrics, and the external URL.

use crate::key::Key;
use crate::table::Table;
use crate::value::{FromValue, describe};
use config::{Value, ValueKind};
use std::net::Ipv6Addr;

/// The paths of the other pages.
const TAKEN: &[&str] = &["/", "/bridge", "/config", "/debug/actors", "/sd"];
/// The prefix of all administrative pages.
const ADMINISTRATIVE: &str = "/-/";

/// The paths of pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The path of the exporter's own metrics, by default `/metrics`.
    pub telemetry: String,
    /// The prefix of every path: empty, or `/` and more, without a slash at its end.
    pub prefix: String,
    /// The URL by which clients reach the exporter, for service discovery.
    pub external: Option<ExternalUrl>,
}

/// The URL by which clients reach the exporter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalUrl {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The host, and the port if there is one.
    pub authority: String,
    /// The prefix of every path: empty, or `/` and more, without a slash at its end.
    pub path: String,
}

impl Paths {
    pub(super) const KEYS: &[Key] = &[
        Key::with_default::<TelemetryPath>(
            "telemetry_path",
            "\"/metrics\"",
            "The path of the exporter's own metrics.",
        )
        .at_restart(),
        Key::absent::<External>(
            "external_url",
            "The URL by which clients reach the exporter, for service discovery and links. Its \
             path is the default of `route_prefix`.",
        ),
        Key::absent::<Prefix>(
            "route_prefix",
            "The prefix of every path. Without it, the path of `external_url`; `/` for none.",
        )
        .at_restart(),
    ];

    /// Reads the paths. As in the blackbox exporter, the default of the prefix is the path of the
    /// external URL.
    pub(super) fn read(table: &mut Table<'_, '_>) -> Self {
        let telemetry = table.take::<TelemetryPath>("telemetry_path");
        let external = table.take::<External>("external_url").and_then(|url| url.0);
        let prefix = table.take::<Prefix>("route_prefix");
        let default = external.as_ref().map(|url| url.path.clone());
        let prefix = prefix.and_then(|prefix| prefix.0).or(default);
        Self {
            telemetry: telemetry.map(|path| path.0).unwrap_or_default(),
            prefix: prefix.unwrap_or_default(),
            external,
        }
    }
}

/// The path of the exporter's own metrics.
struct TelemetryPath(String);

impl FromValue for TelemetryPath {
    const TYPE: &'static str = "URL path";
    const EXPECTED: &'static str =
        "an absolute path such as \"/metrics\" that is not another page of the exporter";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(text)
                if is_path(text)
                    && !TAKEN.contains(&text.as_str())
                    && !text.starts_with(ADMINISTRATIVE) =>
            {
                Ok(Self(text.clone()))
            }
            _ => Err(describe(value)),
        }
    }
}

/// The prefix of every path; an empty string means the default.
struct Prefix(Option<String>);

impl FromValue for Prefix {
    const TYPE: &'static str = "URL path";
    const EXPECTED: &'static str = "a path such as \"/exporter\", or \"/\" for none";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(text) if text.is_empty() => Ok(Self(None)),
            ValueKind::String(text) => match text.trim_matches('/') {
                "" => Ok(Self(Some(String::new()))),
                path => Some(format!("/{path}"))
                    .filter(|path| is_path(path))
                    .map(|path| Self(Some(path)))
                    .ok_or_else(|| describe(value)),
            },
            _ => Err(describe(value)),
        }
    }
}

/// The external URL; as with the flag, an empty string means none.
struct External(Option<ExternalUrl>);

impl FromValue for External {
    const TYPE: &'static str = "URL";
    const EXPECTED: &'static str =
        "a URL such as \"https://host:9598/path\", without user, query and fragment";

    fn from_value(value: &Value) -> Result<Self, String> {
        let ValueKind::String(text) = &value.kind else {
            return Err(describe(value));
        };
        match text.as_str() {
            "" => Ok(Self(None)),
            // Not repeated, since there may be a password in it.
            text if text.contains('@') => Err("a URL with a user".into()),
            text => url(text).map(Some).map(Self).ok_or_else(|| describe(value)),
        }
    }
}

fn url(text: &str) -> Option<ExternalUrl> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = ["http", "https"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(scheme))?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = path.trim_end_matches('/');
    let whole = is_authority(authority) && (path.is_empty() || is_path(path));
    whole.then(|| ExternalUrl {
        scheme,
        authority: authority.to_owned(),
        path: path.to_owned(),
    })
}

/// Returns whether this is a host, as a name or an address, optionally with a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => {
            if host.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            ("v6", rest)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let digits = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    let port = port.is_empty() || port.strip_prefix(':').is_some_and(digits);
    !host.is_empty() && host.chars().all(name) && port
}

/// Returns whether this is an absolute path of unreserved characters (RFC 3986, 2.3), without
/// segments that clients or proxies would normalize.
fn is_path(text: &str) -> bool {
    let unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let segment = |segment: &str| !matches!(segment, "." | "..") && segment.chars().all(unreserved);
    let Some(rest) = text.strip_prefix('/') else {
        return false;
    };
    rest.split('/').all(segment) && !text.contains("//")
}

#[cfg(test)]
mod tests;
