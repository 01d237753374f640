//! Valid files, and the errors of invalid ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;
use std::time::Duration;

fn parse(text: &str) -> Result<WebConfig, String> {
    WebConfig::parse(text, Path::new("/etc/web"))
}

/// Parses a `tls_server_config` with a certificate, a key and these lines.
fn parse_tls(lines: &[&str]) -> Result<WebConfig, String> {
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    parse(&format!(
        "tls_server_config:\n  cert_file: c\n  key_file: k\n{lines}"
    ))
}

#[track_caller]
fn assert_refused(parsed: Result<WebConfig, String>, expected: &str) {
    let message = parsed.unwrap_err();
    assert!(
        message.contains(expected),
        "{message:?} does not contain {expected:?}"
    );
    assert_eq!(message.lines().count(), 1, "{message:?}");
}

#[test]
fn a_file_may_be_empty() {
    for text in [
        "",
        "# nothing\n",
        "---\n",
        "tls_server_config:\nbasic_auth_users:\n",
    ] {
        let config = parse(text).unwrap();
        assert!(config.tls.is_none() && config.users.is_empty() && config.rate_limit.is_none());
        assert_eq!(config.headers, Headers::default());
    }
}

#[test]
fn every_key_is_accepted() {
    let text = "
tls_server_config:
  cert: |
    -----BEGIN CERTIFICATE-----
  key: x
  client_ca: y
  cert_file: certs/a.pem
  key_file: /keys/a.pem
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [a, b]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256]
http_server_config:
  http2: false
  headers:
    Content-Security-Policy: a
    X-Frame-Options: sameorigin
    X-Content-Type-Options: nosniff
    X-XSS-Protection: 1
    Strict-Transport-Security: b
basic_auth_users:
  alice: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi
rate_limit:
  interval: 1m30s
  burst: 5
";
    let config = parse(text).unwrap();
    let limit = RateLimit {
        interval: Duration::from_secs(90),
        burst: 5,
    };
    assert_eq!(config.rate_limit, Some(limit));
    assert!(!config.users.is_empty());
    let files = ["/etc/web/certs/a.pem", "/keys/a.pem", "/etc/web/ca.pem"];
    assert_eq!(config.files(), files.map(PathBuf::from));
}

#[test]
fn unknown_and_repeated_keys_are_errors_that_quote_no_secret() {
    for (text, expected) in [
        ("tls: 1\n", "yaml: "),
        (
            "\tbasic_auth_users: {}\n",
            "yaml: line 1: it begins with a tab",
        ),
        ("rate_limit:\n\tburst: 1\n", "yaml: line 2: "),
        ("tls_server_config:\n  certificate: a\n", "unknown field"),
        ("http_server_config:\n  http3: true\n", "unknown field"),
        ("rate_limit:\n  per: 1s\n", "unknown field"),
        ("rate_limit:\n  interval: 1s\n  interval: 2s\n", "duplicate"),
        ("basic_auth_users:\n  a: x\n  a: y\n", "duplicate"),
        ("basic_auth_users: [\n", "yaml: "),
        ("tls_server_config: a\n", "yaml: "),
        ("rate_limit:\n  burst: -1\n", "yaml: "),
        (
            "rate_limit:\n  interval: 1 hour\n",
            "rate_limit: invalid duration",
        ),
        (
            "rate_limit:\n---\nrate_limit:\n",
            "yaml: only single YAML document expected but multiple found at line ",
        ),
    ] {
        assert_refused(parse(text), expected);
    }
    let secret = "basic_auth_users:\n  alice: hunter2\n  alice: hunter2\n";
    assert!(!parse(secret).unwrap_err().contains("hunter2"));
    let secret = "tls_server_config:\n  key: hunter2\n  kye: hunter2\n";
    assert!(!parse(secret).unwrap_err().contains("hunter2"));
}

#[test]
fn an_incomplete_tls_configuration_is_an_error() {
    let off = "tls_server_config:\n  min_version: TLS13\n  cert_file: \"\"\n";
    assert!(parse(off).unwrap().tls.is_none());
    for (line, expected) in [
        ("cert_file: a", "missing one of key or key_file"),
        ("cert: a", "missing one of key or key_file"),
        ("key_file: a", "missing one of cert or cert_file"),
        ("key: a", "missing one of cert or cert_file"),
        ("client_ca_file: a", "missing one of cert or cert_file"),
        (
            "client_auth_type: NoClientCert",
            "missing one of cert or cert_file",
        ),
    ] {
        assert_refused(parse(&format!("tls_server_config:\n  {line}\n")), expected);
    }
}

#[test]
fn what_rustls_does_not_support_is_an_error() {
    for (line, expected) in [
        ("min_version: TLS10", "TLS10 is insecure"),
        ("max_version: TLS11", "TLS11 is insecure"),
        ("min_version: SSL30", "unknown TLS version: SSL30"),
        (
            "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]",
            "is not supported by rustls",
        ),
        (
            "cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]",
            "unknown cipher: TLS_RSA_WITH_RC4_128_SHA",
        ),
        (
            "curve_preferences: [CurveP521]",
            "curve CurveP521 is not supported by rustls",
        ),
        ("curve_preferences: [CurveP192]", "unknown curve: CurveP192"),
    ] {
        assert_refused(parse_tls(&[line]), expected);
    }
    let nothing_left = parse_tls(&["min_version: TLS13", "max_version: TLS12"]);
    assert_refused(nothing_left, "leaves no version");
    let only_of_13 = "cipher_suites: [TLS_AES_128_GCM_SHA256]";
    let nothing_left = parse_tls(&["max_version: TLS12", only_of_13]);
    assert_refused(nothing_left, "lists no suite of TLS 1.2");
    assert!(parse_tls(&[only_of_13]).is_ok());
}

#[test]
fn client_certificate_policies_without_effect_are_errors() {
    for (lines, expected) in [
        (&["client_auth_type: Any"][..], "invalid ClientAuth: Any"),
        (&["client_ca_file: a"], "without a Client Auth Policy"),
        (
            &["client_ca_file: a", "client_auth_type: NoClientCert"],
            "without a Client Auth Policy",
        ),
        (&["client_allowed_sans: [a]"], "needs a client_auth_type"),
        (
            &["client_auth_type: RequireAndVerifyClientCert"],
            "needs client_ca",
        ),
        (
            &["client_auth_type: VerifyClientCertIfGiven"],
            "needs client_ca",
        ),
    ] {
        assert_refused(parse_tls(lines), expected);
    }
}

#[test]
fn only_five_headers_and_their_values_are_allowed() {
    for (line, expected) in [
        ("Server: a", "HTTP header \"Server\" can not be configured"),
        (
            "x-frame-options: deny",
            "HTTP header \"x-frame-options\" can not be configured",
        ),
        ("X-Frame-Options: DENY", "invalid value for X-Frame-Options"),
        (
            "X-Content-Type-Options: 1",
            "invalid value for X-Content-Type-Options",
        ),
        (
            "Content-Security-Policy: \"a\\nb\"",
            "invalid value for Content-Security-Policy",
        ),
    ] {
        assert_refused(
            parse(&format!("http_server_config:\n  headers:\n    {line}\n")),
            expected,
        );
    }
}

#[test]
fn invalid_hashes_are_errors() {
    let too_short = "basic_auth_users:\n  alice: secret\n";
    assert_refused(
        parse(too_short),
        "hashedSecret too short to be a bcrypted password",
    );
    let none = "basic_auth_users:\n  alice:\n";
    assert_refused(
        parse(none),
        "hashedSecret too short to be a bcrypted password",
    );
}
