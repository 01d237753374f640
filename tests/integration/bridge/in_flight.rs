//! Scrapes in progress: their deadline, their limit, shared pulls and disconnects.

use super::bridge;
use crate::support::{Exporter, quoted};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::fmt::Write as _;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn the_shorter_of_the_scrapers_timeout_and_the_selectors_applies() {
    let (exporter, daemon, _folder) = bridge(Behaviour::HangAfterAccept, "timeout = \"1s\"");
    let took = |seconds: &str| {
        let began = Instant::now();
        exporter
            .scrape_within("it", seconds)
            .assert_error(504, "it", "timeout");
        began.elapsed()
    };
    // One second minus the offset of half a second; then the selector's own timeout.
    let short = took("1");
    assert!(short >= Duration::from_millis(500), "{short:?}");
    assert!(short < Duration::from_millis(950), "{short:?}");
    for long in ["10", "0", "1e9"] {
        let took = took(long);
        assert!(took >= Duration::from_secs(1), "{long}: {took:?}");
    }
    let reply = exporter.scrape_within("it", "soon");
    assert_eq!(reply.status, 400);
    assert!(
        reply.text().contains("\"soon\"; expected seconds"),
        "{}",
        reply.text()
    );
    drop(daemon);
}

#[test]
fn a_scrape_beyond_max_in_flight_is_rejected_with_503() {
    let (exporter, daemon, _folder) = bridge(Behaviour::HangAfterAccept, "max_in_flight = 2");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| exporter.scrape("it").assert_error(504, "it", "timeout"));
        }
        crate::support::until("both scrapes are in flight", || {
            exporter.actor("it")["in_flight"] == 2 && daemon.accepted() > 0
        });
        assert_eq!(daemon.accepted(), 1, "concurrent scrapes share one pull");
        let reply = exporter.scrape("it");
        reply.assert_error(503, "it", "overloaded");
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(exporter.actor("it")["oldest_in_flight_seconds"].as_f64() > Some(0.0));
    });
    assert_eq!(exporter.actor("it")["in_flight"], 0);
}

#[test]
fn scrapes_at_once_share_one_pull() {
    let late = |number: u8| Behaviour::RespondLate {
        delay: Duration::from_millis(500),
        bytes: vec![b'a', b' ', number, b'\n'],
    };
    let (exporter, daemon, _folder) = bridge(late(b'1'), "timeout = \"10s\"");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(exporter.scrape("it").body, b"a 1\n"));
        }
    });
    // A client that connected late may have started a second pull.
    let pulls = daemon.accepted();
    assert!(pulls <= 2, "16 scrapes at once made {pulls} pulls");
    daemon.set(late(b'2')).unwrap();
    assert_eq!(
        exporter.scrape("it").body,
        b"a 2\n",
        "an old body is never served again"
    );
}

/// Requests a scrape, and disconnects once it is in flight.
fn disconnect_during_a_scrape(exporter: &Exporter) {
    let mut client = TcpStream::connect(exporter.address()).unwrap();
    client
        .write_all(b"GET /bridge?selector=it HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    crate::support::until("the scrape is in flight", || {
        exporter.actor("it")["in_flight"] == 1
    });
    drop(client);
}

#[test]
fn a_disconnect_ends_the_scrape() {
    let (exporter, daemon, _folder) = bridge(Behaviour::HangAfterAccept, "timeout = \"2s\"");
    disconnect_during_a_scrape(&exporter);
    crate::support::until("the scrape has ended", || {
        exporter.actor("it")["in_flight"] == 0
    });
    crate::support::until("no connection to the daemon is left", || daemon.open() == 0);
    daemon.set(Behaviour::Serve(b"a 1\n".to_vec())).unwrap();
    assert_eq!(exporter.scrape("it").body, b"a 1\n");
}

#[test]
fn hung_daemons_do_not_deny_service_to_other_selectors() {
    const HUNG: usize = 4;
    // The default of `max_in_flight`.
    const PER_SELECTOR: usize = 64;
    // Fewer than the hung selectors allow together.
    const ALL: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let daemon = |name: &str, behaviour| {
        let socket = folder.path().join(name);
        (
            ScriptedDaemon::start(&socket, behaviour).unwrap(),
            quoted(&socket),
        )
    };
    let mut config = format!("max_in_flight = {ALL}\n[bridge.selectors]\n");
    let mut daemons = Vec::new();
    for n in 0..HUNG {
        let (hung, path) = daemon(&format!("hung{n}"), Behaviour::HangAfterAccept);
        let hung_selector = format!("kind = \"uds\", path = {path}, timeout = \"30s\"");
        writeln!(config, "hung{n} = {{ {hung_selector} }}").unwrap();
        daemons.push(hung);
    }
    let late = Behaviour::RespondLate {
        delay: Duration::from_millis(500),
        bytes: b"a 1\n".to_vec(),
    };
    let (_well, path) = daemon("well", late);
    writeln!(config, "well = {{ kind = \"uds\", path = {path} }}").unwrap();
    let file = folder.path().join("m.prom");
    std::fs::write(&file, "a 1\n").unwrap();
    let file = quoted(&file);
    writeln!(config, "file = {{ kind = \"file\", path = {file} }}").unwrap();
    let exporter = Exporter::start(&config);

    let scrape = |n: usize| {
        let mut client = TcpStream::connect(exporter.address()).unwrap();
        let selector = n % HUNG;
        write!(
            client,
            "GET /bridge?selector=hung{selector} HTTP/1.1\r\nhost: x\r\n\r\n"
        )
        .unwrap();
        client
    };
    let clients: Vec<_> = (0..HUNG * (PER_SELECTOR + 6)).map(scrape).collect();
    let in_flight = || {
        let hung = (0..HUNG).map(|n| exporter.actor(&format!("hung{n}"))["in_flight"].as_u64());
        hung.map(Option::unwrap).collect::<Vec<_>>()
    };
    crate::support::until("the limit is reached", || {
        let in_flight = in_flight();
        assert!(in_flight.iter().all(|count| *count <= PER_SELECTOR as u64));
        let refused = "local_exporter_http_limit_reached_total{limit=\"max_in_flight\"}";
        in_flight.iter().sum::<u64>() == ALL as u64 && exporter.metric(refused) > Some(0.0)
    });
    // Two scrapers at the same time.
    std::thread::scope(|scope| {
        for selector in ["well", "well", "file", "file"] {
            let exporter = &exporter;
            scope.spawn(move || {
                for _ in 0..3 {
                    let reply = exporter.scrape(selector);
                    assert_eq!(reply.status, 200, "{selector}: {}", reply.text());
                }
            });
        }
    });
    drop(clients);
}

#[test]
fn a_scrape_whose_client_disconnects_is_counted() {
    let (exporter, _daemon, _folder) = bridge(Behaviour::HangAfterAccept, "timeout = \"30s\"");
    disconnect_during_a_scrape(&exporter);
    let failures =
        "local_exporter_bridge_scrape_failures_total{reason=\"timeout\",selector=\"it\"}";
    crate::support::until("the failure is counted", || {
        exporter.metric(failures) == Some(1.0)
    });
    let series = |name: &str| format!("local_exporter_bridge_{name}{{selector=\"it\"}}");
    assert_eq!(exporter.metric(&series("scrapes_total")), Some(1.0));
    let duration = exporter.metric(&series("scrape_duration_seconds_count"));
    assert_eq!(duration, Some(1.0));
    assert_eq!(exporter.actor("it")["failures"], 1);
}
