//! Checks of bodies: a response with status 200 has a complete, current body that Prometheus accepts. The
//! tests cover formats, checks, timestamps and names.

mod checks;
mod names;

use crate::support::{Exporter, quoted};
use local_exporter_daemons::bus::{BusKind, BusOptions};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::prombus::{self, Prombus, Reply};
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::time::Duration;
use tempfile::TempDir;

/// An exporter with one `uds` selector per name, all with the same daemon.
fn selectors(behaviour: Behaviour, named: &[(&str, &str)]) -> (Exporter, ScriptedDaemon, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let daemon = ScriptedDaemon::start(&socket, behaviour).unwrap();
    let path = quoted(&socket);
    let mut config = "[bridge.selectors]\n".to_owned();
    for (name, options) in named {
        config += &format!("{name} = {{ kind = \"uds\", path = {path}{options} }}\n");
    }
    (Exporter::start(&config), daemon, folder)
}

#[test]
fn the_error_carries_line_column_and_the_text_escaped() {
    let body = b"good 1\nbad{a=\"\x1b[31m\"} nonsense\n".to_vec();
    let (exporter, _daemon, _folder) = selectors(Behaviour::Serve(body), &[("it", "")]);
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "malformed");
    assert!(reply.text().contains("line 2, column "), "{}", reply.text());
    assert!(reply.text().contains("nonsense"), "{}", reply.text());
    assert!(!reply.body.contains(&0x1b), "{:?}", reply.text());
    let message = exporter.actor("it")["last_error"]["message"].to_string();
    assert!(message.contains("line 2, column "), "{message}");
}

#[test]
fn timestamps_are_kept_stripped_or_rejected_and_the_newest_is_a_metric() {
    let body = b"a 1 1700000000000\nb 2 1700000060000\nc 3\n";
    let named = [
        ("keep", ""),
        ("strip", ", timestamps = \"strip\""),
        ("reject", ", timestamps = \"reject\""),
    ];
    let (exporter, daemon, _folder) = selectors(Behaviour::Serve(body.to_vec()), &named);
    assert_eq!(exporter.scrape("keep").body, body);
    assert_eq!(exporter.scrape("strip").body, b"a 1\nb 2\nc 3\n");
    exporter
        .scrape("reject")
        .assert_error(502, "reject", "timestamps");
    let newest = |selector: &str| {
        exporter.metric(&format!(
            "local_exporter_source_newest_sample_timestamp_seconds{{selector=\"{selector}\"}}"
        ))
    };
    assert_eq!(newest("keep"), Some(1_700_000_060.0));
    assert_eq!(newest("strip"), None);
    daemon.set(Behaviour::Serve(b"c 3\n".to_vec())).unwrap();
    for (selector, _) in named {
        assert_eq!(exporter.scrape(selector).body, b"c 3\n", "{selector}");
    }
    assert_eq!(
        newest("keep"),
        None,
        "a body that is no longer served has no newest timestamp"
    );
}

#[test]
fn a_body_younger_than_min_interval_is_served_from_the_cache_with_its_age() {
    let serve = |text: &str| Behaviour::Serve(text.as_bytes().to_vec());
    let named = [("often", ""), ("rarely", ", min_interval = \"1h\"")];
    let (exporter, daemon, _folder) = selectors(serve("a 1\n"), &named);
    assert_eq!(exporter.scrape("often").header("age"), None);
    assert_eq!(exporter.scrape("rarely").header("age"), None);
    daemon.set(serve("a 2\n")).unwrap();
    assert_eq!(exporter.scrape("often").body, b"a 2\n");
    let again = exporter.scrape("rarely");
    assert_eq!(again.body, b"a 1\n");
    assert!(again.header("age").unwrap().parse::<u64>().is_ok());

    // A failure is not cached: the next scrape pulls again.
    let (exporter, daemon, _folder) = selectors(Behaviour::Nothing, &named);
    exporter
        .scrape("rarely")
        .assert_error(502, "rarely", "empty");
    daemon.set(serve("a 3\n")).unwrap();
    assert_eq!(exporter.scrape("rarely").body, b"a 3\n");
}

#[test]
fn the_same_rules_apply_to_dbus() {
    let bus = BusOptions::new().kind(BusKind::System).start().unwrap();
    let prombus = Prombus::start(&bus.address(), || b"a 1\n".to_vec()).unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors.it]\nkind = \"dbus\"\nbus = \"{}\"\ndestination = \"{}\"\n\
         method = \"{}.{}\"\npath = \"{}\"\ntimestamps = \"strip\"\ntimeout = \"1s\"\n",
        bus.address(),
        prombus::NAME,
        prombus::INTERFACE,
        prombus::METHOD,
        prombus::PATH,
    ));
    type Case = (&'static [u8], Result<&'static [u8], &'static str>);
    let cases: [Case; 5] = [
        (b"a 1\n", Ok(b"a 1\n")),
        (b"a 1 1700000000000\n", Ok(b"a 1\n")),
        (b"a 1", Err("truncated")),
        (b"a b c\n", Err("malformed")),
        (b"", Err("empty")),
    ];
    for (body, expected) in cases {
        prombus.set_reply(Reply::Bytes(body.to_vec()));
        let reply = exporter.scrape("it");
        match expected {
            Ok(body) => assert_eq!((reply.status, reply.body.as_slice()), (200, body)),
            Err(reason) => reply.assert_error(502, "it", reason),
        }
    }
    prombus.set_reply(Reply::Late(Duration::from_secs(5), b"a 1\n".to_vec()));
    exporter.scrape("it").assert_error(504, "it", "timeout");
    assert_eq!(exporter.actor("it")["restarts"], 0);
}

/// A large body is checked off the actor's thread, with the same result.
#[test]
fn a_large_body_is_checked_like_a_small_one() {
    let mut body = "large_metric{label=\"value\"} 123456789\n"
        .repeat(50_000)
        .into_bytes();
    let (exporter, daemon, _folder) = selectors(Behaviour::Serve(body.clone()), &[("it", "")]);
    assert!(exporter.scrape("it").body == body, "the bytes differ");
    body.extend(b"nonsense\n");
    daemon.set(Behaviour::Serve(body)).unwrap();
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "malformed");
    assert!(reply.text().contains("line 50001, "), "{}", reply.text());
}
