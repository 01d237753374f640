//! TLS: what it is, that nothing is served beside it, and new certificates without a restart.

use super::certificates::Authority;
use super::{Client, Web, metric, tls};
use crate::support::{raw, until};
use rustls::crypto::ring::{cipher_suite, kx_group};
use rustls::version::{TLS12, TLS13};

const USABLE: &str = "local_exporter_web_config_last_load_successful";

#[test]
fn every_key_of_tls_is_taken_and_nothing_is_served_in_plain() {
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
    let answer = raw(exporter.address(), "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(!answer.contains("HTTP/"), "{answer:?}");
    let failures = "local_exporter_http_tls_handshake_failures_total";
    until("it is counted", || {
        metric(&web.client(), &exporter, failures) == Some(1.0)
    });
}

#[test]
fn certificate_and_key_may_stand_in_the_file() {
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
fn versions_suites_and_curves_are_those_that_are_named() {
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
fn the_order_of_suites_is_the_servers_or_the_clients() {
    let web = Web::new();
    let first = cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    let second = cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
    let suites = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]";
    for (prefer, expected) in [("true", second), ("false", first)] {
        let prefer = format!("prefer_server_cipher_suites: {prefer}");
        let exporter = web.start(&tls(&["max_version: TLS12", suites, &prefer]), "");
        let client = web.client().version(&TLS12).suites(&[first, second]);
        let connection = client.connect(exporter.address()).unwrap();
        let agreed = connection.conn.negotiated_cipher_suite().unwrap();
        assert_eq!(agreed.suite(), expected.suite(), "{prefer}");
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
    // One that has expired is served as it is, and clients refuse it.
    web.certify(&web.authority.issue_expired(&["localhost"]));
    let error = ours.get(address, "/").unwrap_err().to_string();
    assert!(error.contains("expired"), "{error}");
    web.certify(&web.authority.issue(&["localhost"]));
    assert!(ours.is_served(address));
}

#[test]
fn a_broken_certificate_leaves_the_last_good_one_and_is_told_once() {
    let web = Web::new();
    let exporter = web.start(&tls(&[]), "");
    let client = web.client();
    assert_eq!(metric(&client, &exporter, USABLE), Some(1.0));
    // A certificate without its key: between the two steps of a renewal, say.
    let next = web.authority.issue(&["localhost"]);
    web.write("cert.pem", &next.certificate);
    for _ in 0..5 {
        assert!(client.is_served(exporter.address()));
    }
    assert_eq!(metric(&client, &exporter, USABLE), Some(0.0));
    let told = |words: &str| {
        exporter
            .log()
            .iter()
            .filter(|line| line.contains(words))
            .count()
    };
    assert_eq!(
        told("keeping the last valid ones"),
        1,
        "{:?}",
        exporter.log()
    );
    web.write("key.pem", &next.key);
    assert_eq!(metric(&client, &exporter, USABLE), Some(1.0));
    until("the recovery is logged", || told("valid again") == 1);
}

#[test]
fn tls_is_not_turned_off_or_on_while_it_runs() {
    let web = Web::new();
    let exporter = web.start(&tls(&[]), "");
    web.configure("");
    let answer = web.client().get(exporter.address(), "/").unwrap();
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    let answer = raw(exporter.address(), "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(!answer.contains("HTTP/"), "{answer:?}");

    let exporter = web.start("", "");
    assert_eq!(exporter.get("/").status, 200);
    web.configure(&tls(&[]));
    assert_eq!(exporter.get("/").status, 500);
    assert_eq!(exporter.get("/bridge?selector=a").status, 500);
}
