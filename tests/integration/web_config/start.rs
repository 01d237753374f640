//! An invalid file at startup: the error message and exit status 2.

use super::{Authority, Web, tls};
use crate::serving::{Serving, get_over_unix};
use crate::support::program;
use std::fs;

/// Standard error of an exporter that refuses its configuration. `--config.check` reports the
/// same.
fn refused(web: &Web, more: &str) -> String {
    let file = web.path("config.toml");
    let service = "[service]\naddress = \"127.0.0.1\"\nport = 0\n";
    fs::write(&file, format!("{service}{}", web.toml(more))).unwrap();
    let run = |check: &[&str]| {
        let output = program()
            .arg("serve")
            .args(check)
            .arg("--config")
            .arg(&file)
            .output();
        let output = output.unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        text
    };
    let (checked, started) = (run(&["--config.check"]), run(&[]));
    assert_eq!(checked, started);
    checked
}

#[test]
fn an_invalid_file_ends_startup() {
    let web = Web::new();
    let other = Authority::new("other").issue(&["localhost"]);
    web.write("other-key.pem", &other.key);
    for (text, expected) in [
        ("unknown: 1\n".to_owned(), "yaml: "),
        (
            "basic_auth_users:\n  a: b\n".to_owned(),
            "hashedSecret too short",
        ),
        (
            "tls_server_config:\n  cert_file: cert.pem\n".to_owned(),
            "missing one of key or key_file",
        ),
        (
            "tls_server_config:\n  cert_file: cert.pem\n  key_file: nowhere.pem\n".to_owned(),
            "nowhere.pem cannot be read",
        ),
        (
            "tls_server_config:\n  cert_file: cert.pem\n  key_file: other-key.pem\n".to_owned(),
            "cannot use the certificate with the key",
        ),
        (
            tls(&["client_auth_type: Sometimes"]),
            "invalid ClientAuth: Sometimes",
        ),
    ] {
        web.configure(&text);
        let error = refused(&web, "");
        assert!(
            error.contains(expected) && error.contains("web.yml"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    fs::remove_file(web.path("web.yml")).unwrap();
    assert!(refused(&web, "").contains("web.yml: cannot be read"));
}

#[test]
fn the_key_tls_must_agree_with_the_web_configuration() {
    let web = Web::new();
    web.configure("");
    assert!(refused(&web, "tls = true\n").contains("no certificate is configured"));
    web.configure(&tls(&[]));
    assert!(refused(&web, "tls = false\n").contains("turns TLS on"));
}

#[test]
fn a_token_file_must_contain_a_token() {
    let web = Web::new();
    web.configure("");
    let token = format!("bearer_token_file = {:?}\n", web.path("token"));
    assert!(refused(&web, &token).contains("cannot be read"));
    web.write("token", " \n");
    assert!(refused(&web, &token).contains("contains no token"));
}

#[test]
fn allow_from_does_not_apply_to_unix_sockets() {
    let web = Web::new();
    let socket = web.path("socket");
    let listen = format!("--web.listen-address=unix:{}", socket.display());
    let config = "[service]\nallow_from = [\"192.0.2.0/24\"]\n";
    let serving = Serving::start(program(), &[&listen], config);
    serving.logged("listening", 1);
    let response = get_over_unix(&socket, "/-/healthy");
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}
