//! TLS: its settings, that nothing is served without it, and new certificates without a restart.

use super::certificates::Authority;
use super::{Client, Web, metric, tls};
use crate::support::{raw, until};
use rustls::crypto::ring::{cipher_suite, kx_group};
use rustls::version::{TLS12, TLS13};
use std::io::{Read, Write};
use std::net::TcpStream;

const USABLE: &str = "local_exporter_web_config_last_load_successful";

#[test]
fn every_tls_key_is_accepted_and_nothing_is_served_without_tls() {
    let web = Web::new();
    let exporter = web.start(
        &tls(&[
            "client_auth_type: NoClientCert",
            "min_version: TLS12",
            "max_version: TLS13",
            "cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
            "prefer_server_cipher_suites: true",
            "curve_preferences: [CurveP256, X25519]",
        ]),
        "tls = true\n",
    );
    assert!(web.client().is_served(exporter.address()));
    let response = raw(exporter.address(), "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(response.starts_with("HTTP/1.0 400 "), "{response:?}");
    let failures = "local_exporter_http_tls_handshake_failures_total";
    until("the failed handshake is counted", || {
        metric(&web.client(), &exporter, failures) == Some(1.0)
    });
}

#[test]
fn certificate_and_key_may_be_inline() {
    let web = Web::new();
    let identity = web.authority.issue(&["localhost"]);
    let block = |pem: &str| {
        pem.lines()
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    };
    let text = format!(
        "tls_server_config:\n  cert: |\n{}  key: |\n{}",
        block(&identity.certificate),
        block(&identity.key),
    );
    let exporter = web.start(&text, "");
    assert!(web.client().is_served(exporter.address()));
}

#[test]
fn versions_suites_and_curves_are_restricted_to_the_listed_ones() {
    let web = Web::new();
    let client = || web.client();
    let old = client().version(&TLS12);
    let aes = |client: Client| {
        client
            .version(&TLS12)
            .suite(cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
    };
    let chacha = |client: Client| {
        client
            .version(&TLS12)
            .suite(cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)
    };
    for (line, served, refused) in [
        ("min_version: TLS13", client().version(&TLS13), old.clone()),
        ("max_version: TLS12", old, client().version(&TLS13)),
        (
            "cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]",
            chacha(client()),
            aes(client()),
        ),
        (
            "curve_preferences: [CurveP384]",
            client().curve(kx_group::SECP384R1),
            client().curve(kx_group::X25519),
        ),
    ] {
        let exporter = web.start(&tls(&[line]), "");
        assert!(served.is_served(exporter.address()), "{line}");
        assert!(!refused.is_served(exporter.address()), "{line}");
    }
}

#[test]
fn either_side_can_determine_the_cipher_suite() {
    let web = Web::new();
    let first = cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    let second = cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
    let suites = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]";
    for (prefer, expected) in [("true", second), ("false", first)] {
        let prefer = format!("prefer_server_cipher_suites: {prefer}");
        let exporter = web.start(&tls(&["max_version: TLS12", suites, &prefer]), "");
        let client = web.client().version(&TLS12).suites(&[first, second]);
        let connection = client.connect(exporter.address()).unwrap();
        let negotiated = connection.conn.negotiated_cipher_suite().unwrap();
        assert_eq!(negotiated.suite(), expected.suite(), "{prefer}");
    }
}

#[test]
fn certificates_are_swapped_without_a_restart() {
    let web = Web::new();
    let other = Authority::new("others");
    let exporter = web.start(&tls(&[]), "");
    let address = exporter.address();
    let (ours, theirs) = (web.client(), Client::new(other.certificate()));
    assert!(ours.is_served(address) && !theirs.is_served(address));
    web.certify(&other.issue(&["localhost"]));
    assert!(!ours.is_served(address) && theirs.is_served(address));
    // An expired certificate is used, and clients refuse it.
    web.certify(&web.authority.issue_expired(&["localhost"]));
    let error = ours.get(address, "/").unwrap_err().to_string();
    assert!(error.contains("expired"), "{error}");
    web.certify(&web.authority.issue(&["localhost"]));
    assert!(ours.is_served(address));
}

#[test]
fn an_invalid_certificate_keeps_the_last_valid_one_and_is_logged_once() {
    let web = Web::new();
    let exporter = web.start(&tls(&[]), "");
    let client = web.client();
    assert_eq!(metric(&client, &exporter, USABLE), Some(1.0));
    // A certificate without its key, as between the two steps of a renewal.
    let next = web.authority.issue(&["localhost"]);
    web.write("cert.pem", &next.certificate);
    for _ in 0..5 {
        assert!(client.is_served(exporter.address()));
    }
    assert_eq!(metric(&client, &exporter, USABLE), Some(0.0));
    let logged = |text: &str| {
        exporter
            .log()
            .iter()
            .filter(|line| line.contains(text))
            .count()
    };
    assert_eq!(
        logged("keeping the last valid ones"),
        1,
        "{:?}",
        exporter.log()
    );
    web.write("key.pem", &next.key);
    assert_eq!(metric(&client, &exporter, USABLE), Some(1.0));
    until("the recovery is logged", || logged("valid again") == 1);
}

#[test]
fn tls_is_not_turned_on_or_off_without_a_restart() {
    let web = Web::new();
    let exporter = web.start(&tls(&[]), "");
    web.configure("");
    let response = web.client().get(exporter.address(), "/").unwrap();
    assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
    let response = raw(exporter.address(), "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(response.starts_with("HTTP/1.0 400 "), "{response:?}");

    let exporter = web.start("", "");
    assert_eq!(exporter.get("/").status, 200);
    web.configure(&tls(&[]));
    assert_eq!(exporter.get("/").status, 500);
    assert_eq!(exporter.get("/bridge?selector=a").status, 500);
}

/// As with Go's server, whose message this is.
#[test]
fn a_request_without_tls_is_answered_with_400() {
    let web = Web::new();
    let exporter = web.start(&tls(&[]), "");
    for request in [
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "HEAD /metrics HTTP/1.0\r\n\r\n".to_owned(),
        format!("POST / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(20_000)),
        "OPTIONS * HTTP/1.0\r\n\r\n".to_owned(),
    ] {
        let response = raw(exporter.address(), &request);
        let expected = "HTTP/1.0 400 Bad Request\r\n\r\n\
                        Client sent an HTTP request to an HTTPS server.\n";
        assert_eq!(response, expected);
    }
    let client = web.client();
    assert!(client.is_served(exporter.address()));
    let failures = "local_exporter_http_tls_handshake_failures_total";
    assert_eq!(metric(&client, &exporter, failures), Some(4.0));
}

#[test]
fn failed_handshakes_are_logged_at_a_limited_rate() {
    let web = Web::new();
    let exporter = web.start(&tls(&[]), "");
    for _ in 0..50 {
        let mut client = TcpStream::connect(exporter.address()).unwrap();
        // The exporter may close the connection before it has read everything.
        let _ = client.write_all(b"no TLS at all\n");
        let _ = client.read_to_end(&mut Vec::new());
    }
    let client = web.client();
    let failures = "local_exporter_http_tls_handshake_failures_total";
    until("all are counted", || {
        metric(&client, &exporter, failures) == Some(50.0)
    });
    let logged = || {
        let lines = exporter.log().into_iter();
        let lines = lines.filter(|line| line.contains("TLS handshake failed"));
        lines.collect::<Vec<_>>()
    };
    until("the first are logged", || !logged().is_empty());
    let lines = logged();
    assert!((1..=12).contains(&lines.len()), "{} lines", lines.len());
    assert!(
        lines[0].contains("127.0.0.1") && lines[0].contains("warn"),
        "{}",
        lines[0]
    );
}
