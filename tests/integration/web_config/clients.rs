//! Client certificates: when they are required, and which are accepted.

use super::certificates::Authority;
use super::{Web, metric, tls};
use crate::support::until;
use rcgen::SanType;
use rustls::version::{TLS12, TLS13};

#[test]
fn each_client_auth_type_accepts_its_certificates() {
    let web = Web::new();
    let (known, unknown) = (Authority::new("known"), Authority::new("unknown"));
    web.write("ca.pem", &known.pem());
    let ca = "client_ca_file: ca.pem";
    let valid = known.issue(&["client"]);
    let foreign = unknown.issue(&["client"]);
    let expired = known.issue_expired(&["client"]);
    // Whether a request is served without a certificate, and with a valid, a foreign and an
    // expired one.
    for (mode, more, expected) in [
        ("NoClientCert", "", [true, true, true, true]),
        ("RequestClientCert", "", [true, true, true, true]),
        ("RequireAnyClientCert", "", [false, true, true, true]),
        ("RequireClientCert", "", [false, true, true, true]),
        ("VerifyClientCertIfGiven", ca, [true, true, false, false]),
        (
            "RequireAndVerifyClientCert",
            ca,
            [false, true, false, false],
        ),
    ] {
        let exporter = web.start(&tls(&[&format!("client_auth_type: {mode}"), more]), "");
        for version in [&TLS12, &TLS13] {
            let client = web.client().version(version);
            let served = |client: super::Client| client.is_served(exporter.address());
            let found = [
                served(client.clone()),
                served(client.clone().with(&valid)),
                served(client.clone().with(&foreign)),
                served(client.clone().with(&expired)),
            ];
            assert_eq!(found, expected, "{mode}, {version:?}");
        }
    }
}

#[test]
fn a_client_certificate_must_contain_an_allowed_name() {
    let web = Web::new();
    let authority = Authority::new("clients");
    web.write("ca.pem", &authority.pem());
    let email = |name: &str| SanType::Rfc822Name(name.try_into().unwrap());
    let uri = |name: &str| SanType::URI(name.try_into().unwrap());
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let address = |name: &str| SanType::IpAddress(name.parse().unwrap());
    let exporter = web.start(
        &tls(&[
            "client_ca_file: ca.pem",
            "client_auth_type: VerifyClientCertIfGiven",
            "client_allowed_sans: [prometheus.example, ops@example.org, 192.0.2.7, \"2001:db8::1\", \"spiffe://a/b\"]",
        ]),
        "",
    );
    for (name, expected) in [
        (dns("prometheus.example"), true),
        (email("ops@example.org"), true),
        (address("192.0.2.7"), true),
        (address("2001:db8::1"), true),
        (uri("spiffe://a/b"), true),
        (dns("other.example"), false),
        (dns("sub.prometheus.example"), false),
        (email("Ops@example.org"), false),
        (address("192.0.2.8"), false),
        (uri("spiffe://a/b/c"), false),
    ] {
        let identity = authority.issue_for(name.clone());
        let client = web.client().with(&identity);
        assert_eq!(client.is_served(exporter.address()), expected, "{name:?}");
    }
    assert!(
        !web.client().is_served(exporter.address()),
        "without a certificate there is no name"
    );
}

#[test]
fn another_authority_is_trusted_without_a_restart() {
    let web = Web::new();
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let (of_old, of_new) = (old.issue(&["client"]), new.issue(&["client"]));
    web.write("ca.pem", &old.pem());
    let text = tls(&[
        "client_ca_file: ca.pem",
        "client_auth_type: RequireAndVerifyClientCert",
    ]);
    let exporter = web.start(&text, "");
    let served = |identity| web.client().with(identity).is_served(exporter.address());
    assert_eq!((served(&of_old), served(&of_new)), (true, false));
    web.write("ca.pem", &new.pem());
    assert_eq!((served(&of_old), served(&of_new)), (false, true));
    let failures = "local_exporter_http_tls_handshake_failures_total";
    until("both refusals are counted", || {
        metric(&web.client().with(&of_new), &exporter, failures) == Some(2.0)
    });
}

/// As in Go. Other certificates of authorities are not accepted.
#[test]
fn the_certificate_of_the_trusted_authority_is_accepted_as_that_of_a_client() {
    let web = Web::new();
    let (trusted, other) = (Authority::new("trusted"), Authority::new("other"));
    web.write("ca.pem", &trusted.pem());
    let text = tls(&[
        "client_ca_file: ca.pem",
        "client_auth_type: RequireAndVerifyClientCert",
    ]);
    let exporter = web.start(&text, "");
    for (authority, expected) in [(&trusted, true), (&other, false)] {
        let client = web.client().with(&authority.own_identity());
        assert_eq!(client.is_served(exporter.address()), expected);
    }
}
