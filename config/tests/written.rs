//! A selector that is written as TOML loads as the same selector.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use local_exporter_config::{Environment, Input, IpNet, Selector, load};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

/// The selectors of a text.
fn selectors(text: &str) -> Vec<Selector> {
    let input = Input {
        name: "it".to_owned(),
        text: text.to_owned(),
    };
    let settings = load(Some(&input), &Environment::new());
    settings
        .unwrap_or_else(|errors| unreachable!("{errors}\nin\n{text}"))
        .selectors
}

fn assert_round_trip(selector: &Selector) {
    let text = selector.to_toml();
    let loaded = selectors(&text);
    assert_eq!(loaded, std::slice::from_ref(selector), "{text}");
    let again: Vec<_> = loaded.iter().map(Selector::to_toml).collect();
    assert_eq!(again, [text]);
}

#[test]
fn every_selector_of_the_good_samples_survives_writing_and_loading() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut kinds = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("good-") && name.ends_with(".toml") {
            for selector in selectors(&fs::read_to_string(path).unwrap()) {
                assert_round_trip(&selector);
                kinds.push(selector.source.kind());
            }
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, ["dbus", "directory", "file", "uds"]);
}

#[test]
fn only_keys_of_the_kind_are_written() {
    let text = "[bridge]\ndbus_auth_uid = 7\n[bridge.selectors]\nbare = \"/run/d\"\n\
                bus = { kind = \"dbus\", destination = \"a.B\", method = \"a.B.C\", path = \"/\" }\n\
                socket = { kind = \"uds\", path = \"/run/s\", labels = { team = \"x\" } }\n";
    let written: Vec<_> = selectors(text).iter().map(Selector::to_toml).collect();
    let shared = "check = \"ingest\"\nformat = \"auto\"\ntimestamps = \"keep\"\nallow_empty = false\nescaping = \"convert\"\n";
    let limits = "timeout = \"3s\"\nmax_bytes = 16777216\nmax_in_flight = 64\n";
    let expected = [
        format!(
            "[bridge.defaults]\n{limits}refresh = \"15s\"\nmin_interval = \"0s\"\n{shared}\n\
             [bridge.selectors]\nbare = \"/run/d\"\n"
        ),
        format!(
            "[bridge]\ndbus_auth_uid = 7\n\n[bridge.selectors.bus]\nkind = \"dbus\"\n\
             bus = \"system\"\ndestination = \"a.B\"\nmethod = \"a.B.C\"\npath = \"/\"\n\
             auto_start = false\n{limits}min_interval = \"0s\"\n{shared}"
        ),
        format!(
            "[bridge.selectors.socket]\nkind = \"uds\"\npath = \"/run/s\"\n{limits}\
             min_interval = \"0s\"\n{shared}\n[bridge.selectors.socket.labels]\nteam = \"x\"\n"
        ),
    ];
    assert_eq!(written, expected);
}

/// A basic string of TOML, which can be a key as well.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A value for a key, or nothing.
fn key(name: &'static str, value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    proptest::option::of(value)
        .prop_map(move |value| value.map_or(String::new(), |value| format!("{name} = {value}\n")))
}

fn text() -> impl Strategy<Value = String> {
    // No control characters, which names refuse; quotes, backslashes and non-ASCII letters.
    proptest::string::string_regex("[ -~äλ☃]{1,12}").unwrap()
}

fn path() -> impl Strategy<Value = String> {
    proptest::string::string_regex("/[ -Z^-zä]{1,40}").unwrap()
}

fn duration() -> impl Strategy<Value = String> {
    (10_000_u64..=86_400_000_000).prop_map(|micros| quoted(&format!("{micros}us")))
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(words).prop_map(quoted)
}

fn boolean() -> impl Strategy<Value = String> {
    any::<bool>().prop_map(|value| value.to_string())
}

fn network() -> impl Strategy<Value = String> {
    (any::<std::net::IpAddr>(), 0_u8..=32).prop_map(|(address, prefix)| {
        let network: IpNet = format!("{address}/{prefix}").parse().unwrap();
        quoted(&network.trunc().to_string())
    })
}

fn list(element: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    proptest::collection::vec(element, 1..4)
        .prop_map(|elements| format!("[{}]", elements.join(", ")))
}

/// The keys that all kinds share and that `[bridge.defaults]` has, too.
fn common() -> impl Strategy<Value = String> {
    (
        key("timeout", duration()),
        key("max_bytes", (1_u32..=1 << 30).prop_map(|n| n.to_string())),
        key(
            "max_in_flight",
            (1_u32..=65_536).prop_map(|n| n.to_string()),
        ),
        key("check", word(&["ingest", "strict"])),
        key("format", word(&["auto", "text", "openmetrics"])),
        key("timestamps", word(&["keep", "strip", "reject"])),
        key("allow_empty", boolean()),
        key("escaping", word(&["convert", "refuse"])),
    )
        .prop_map(|(a, b, c, d, e, f, g, h)| [a, b, c, d, e, f, g, h].concat())
}

/// The other keys that all kinds share.
fn own() -> impl Strategy<Value = String> {
    let labels = proptest::collection::btree_map("[a-r_]{1,5}", text(), 0..3);
    let labels = labels.prop_map(|labels| {
        let pair = |(name, value): (&String, &String)| format!("l{name} = {}", quoted(value));
        format!(
            "{{ {} }}",
            labels.iter().map(pair).collect::<Vec<_>>().join(", ")
        )
    });
    (
        common(),
        key("bearer_token_file", path().prop_map(|path| quoted(&path))),
        key("allow_from", list(network())),
        key("scrape_interval", duration()),
        key("labels", labels),
    )
        .prop_map(|(a, b, c, d, e)| [a, b, c, d, e].concat())
}

fn uds() -> impl Strategy<Value = String> {
    (path(), key("min_interval", duration()))
        .prop_map(|(path, more)| format!("kind = \"uds\"\npath = {}\n{more}", quoted(&path)))
}

fn dbus() -> impl Strategy<Value = String> {
    let bus = word(&["system", "session", "unix:path=/run/a b", "unix:abstract=x"]);
    (
        key("bus", bus),
        key("auto_start", boolean()),
        key("min_interval", duration()),
    )
        .prop_map(|(bus, auto_start, more)| {
            format!(
                "kind = \"dbus\"\ndestination = \"a.B\"\nmethod = \"a.b.C_d.E\"\npath = \"/a/b\"\n\
                 {bus}{auto_start}{more}"
            )
        })
}

fn file() -> impl Strategy<Value = String> {
    let pattern = proptest::string::string_regex("([*?]?[a-z. ]){1,5}[*]?").unwrap();
    let pattern = list(pattern.prop_map(|pattern| quoted(&pattern)));
    let paths = list(path().prop_map(|path| quoted(&path)))
        .prop_filter("a path pattern", |text| !text.contains("**"));
    (
        paths,
        key("pattern", pattern),
        (
            key(
                "follow_links",
                prop_oneof![Just("\"safe\"".to_owned()), Just("\"all\"".to_owned())],
            ),
            key("strict_files", boolean()),
            key("file_metrics", boolean()),
        ),
        key("keep_last_good", duration()),
        key("max_age", duration()),
        key("refresh", duration()),
    )
        .prop_map(|(path, a, (b, c, d), e, f, g)| {
            format!("kind = \"file\"\npath = {path}\n{a}{b}{c}{d}{e}{f}{g}")
        })
}

/// A selector of one of the kinds that are tables, on defaults of its own.
fn table() -> impl Strategy<Value = String> {
    let kind = prop_oneof![uds(), dbus(), file()];
    let uid = key(
        "dbus_auth_uid",
        (0_u32..u32::MAX).prop_map(|uid| uid.to_string()),
    );
    (uid, defaults(), text(), kind, own()).prop_map(|(uid, defaults, name, kind, own)| {
        let name = quoted(&name);
        format!("[bridge]\n{uid}\n{defaults}\n[bridge.selectors.{name}]\n{kind}{own}")
    })
}

/// A bare directory on defaults of its own.
fn directory() -> impl Strategy<Value = String> {
    (defaults(), text(), path()).prop_map(|(defaults, name, path)| {
        format!(
            "{defaults}\n[bridge.selectors]\n{} = {}\n",
            quoted(&name),
            quoted(&path)
        )
    })
}

fn defaults() -> impl Strategy<Value = String> {
    (
        common(),
        key("refresh", duration()),
        key("min_interval", duration()),
    )
        .prop_map(|(common, a, b)| format!("[bridge.defaults]\n{common}{a}{b}"))
}

proptest! {
    #[test]
    fn every_selector_survives_writing_and_loading(text in prop_oneof![3 => table(), 1 => directory()]) {
        for selector in selectors(&text) {
            assert_round_trip(&selector);
        }
    }
}
