#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;

fn text(text: &str) -> Value {
    Value::new(None, ValueKind::String(text.to_owned()))
}

#[test]
fn urls_are_split_into_their_parts() {
    let parts = |text: &str| url(text).map(|url| (url.scheme, url.authority, url.path));
    let expected =
        |scheme, authority: &str, path: &str| Some((scheme, authority.to_owned(), path.to_owned()));
    assert_eq!(parts("http://host"), expected("http", "host", ""));
    assert_eq!(
        parts("HTTPS://h.example:443/"),
        expected("https", "h.example:443", "")
    );
    assert_eq!(
        parts("https://[::1]:1/a/b/"),
        expected("https", "[::1]:1", "/a/b")
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
fn a_prefix_begins_with_a_slash_and_does_not_end_with_one() {
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
fn the_path_of_the_metrics_is_not_that_of_another_page() {
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
