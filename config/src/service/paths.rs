//! Where pages are: the route prefix, the page of metrics, and the URL from outside.

use super::{ExternalUrl, Paths};
use crate::key::Key;
use crate::table::Table;
use crate::value::{FromValue, describe};
use config::{Value, ValueKind};
use std::net::Ipv6Addr;

/// The exporter's other pages, which the metrics cannot be put on.
const TAKEN: &[&str] = &["/", "/bridge", "/config", "/debug/actors", "/sd"];
/// What all administrative pages begin with.
const ADMINISTRATIVE: &str = "/-/";

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

    /// Without a prefix of its own it is the external URL's, as with the blackbox exporter.
    pub(super) fn read(table: &mut Table<'_, '_>) -> Self {
        let telemetry = table.take::<TelemetryPath>("telemetry_path");
        let external = table.take::<External>("external_url").and_then(|url| url.0);
        let prefix = table.take::<Prefix>("route_prefix");
        let outside = external.as_ref().map(|url| url.path.clone());
        let prefix = prefix.and_then(|prefix| prefix.0).or(outside);
        Self {
            telemetry: telemetry.map(|path| path.0).unwrap_or_default(),
            prefix: prefix.unwrap_or_default(),
            external,
        }
    }
}

/// Where the exporter's own metrics are.
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

/// What stands before every path; without one, the external URL tells.
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

/// How the exporter is reached from outside; an empty string, as with the flag, means unknown.
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
            // Not repeated: there may be a password before it.
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

/// A host, as a name or an address, and a port if there is one.
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

/// An absolute path of characters that mean themselves (RFC 3986, 2.3), with
/// nothing in it that clients or proxies would take away.
fn is_path(text: &str) -> bool {
    let itself = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let segment = |segment: &str| !matches!(segment, "." | "..") && segment.chars().all(itself);
    let Some(rest) = text.strip_prefix('/') else {
        return false;
    };
    rest.split('/').all(segment) && !text.contains("//")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn text(text: &str) -> Value {
        Value::new(None, ValueKind::String(text.to_owned()))
    }

    #[test]
    fn urls_are_taken_apart() {
        let parts = |text: &str| url(text).map(|url| (url.scheme, url.authority, url.path));
        let parted = |scheme, authority: &str, path: &str| {
            Some((scheme, authority.to_owned(), path.to_owned()))
        };
        assert_eq!(parts("http://host"), parted("http", "host", ""));
        assert_eq!(
            parts("HTTPS://h.example:443/"),
            parted("https", "h.example:443", "")
        );
        assert_eq!(
            parts("https://[::1]:1/a/b/"),
            parted("https", "[::1]:1", "/a/b")
        );
        for wrong in [
            "host",
            "ftp://host",
            "http://",
            "http:///a",
            "http://:80",
            "http://h:0",
            "http://h:x",
            "http://h:",
            "http://h?a=b",
            "http://h/a#b",
            "http://h/a b",
            "http://h//a",
            "http://[::1",
            "http://[h]",
            "http://::1/",
            "http://h/../a",
            "http://h:65536",
        ] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let found = External::from_value(&text("https://user:hunter2@host/")).map(|_| ());
        assert_eq!(found, Err("a URL with a user".to_owned()));
    }

    #[test]
    fn a_prefix_has_a_slash_before_it_and_none_behind() {
        let prefix = |written: &str| {
            Prefix::from_value(&text(written))
                .ok()
                .map(|prefix| prefix.0)
        };
        assert_eq!(prefix(""), Some(None));
        assert_eq!(prefix("/"), Some(Some(String::new())));
        for same in ["a/b", "/a/b", "/a/b/", "//a/b//"] {
            assert_eq!(prefix(same), Some(Some("/a/b".to_owned())), "{same}");
        }
        for wrong in ["/a//b", "/{a}", "/a b", "/a?b", "/.."] {
            assert_eq!(prefix(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn metrics_take_no_other_pages_place() {
        let right = |path: &str| TelemetryPath::from_value(&text(path)).is_ok();
        for path in ["/metrics", "/m/e.t_r~i-cs", "/bridge/metrics", "/metrics/"] {
            assert!(right(path), "{path}");
        }
        for path in [
            "",
            "metrics",
            "/",
            "/bridge",
            "/sd",
            "/config",
            "/debug/actors",
            "/-/healthy",
            "/-/x",
            "/a?b",
            "/{a}",
            "//",
            "/a/../b",
        ] {
            assert!(!right(path), "{path}");
        }
    }
}
