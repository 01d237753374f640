//! Scrapes in progress: their deadline, their limit, shared pulls and disconnects.

use super::bridge;
use local_exporter_daemons::fault::Behaviour;
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

#[test]
fn a_disconnect_ends_the_scrape() {
    let (exporter, daemon, _folder) = bridge(Behaviour::HangAfterAccept, "timeout = \"2s\"");
    let mut client = TcpStream::connect(exporter.address()).unwrap();
    client
        .write_all(b"GET /bridge?selector=it HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    crate::support::until("the scrape is in flight", || {
        exporter.actor("it")["in_flight"] == 1
    });
    drop(client);
    crate::support::until("the scrape has ended", || {
        exporter.actor("it")["in_flight"] == 0
    });
    crate::support::until("no connection to the daemon is left", || daemon.open() == 0);
    daemon.set(Behaviour::Serve(b"a 1\n".to_vec())).unwrap();
    assert_eq!(exporter.scrape("it").body, b"a 1\n");
}
