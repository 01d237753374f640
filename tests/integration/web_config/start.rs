//! A file that is wrong at the start: the sentence, and exit status 2.

use super::{Authority, Web, tls};
use crate::serving::{Serving, get_over_unix};
use crate::support::program;
use std::fs;

/// What is said on standard error when a configuration cannot be served; both ways of asking agree.
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
fn a_file_that_is_wrong_is_not_served() {
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
        let said = refused(&web, "");
        assert!(
            said.contains(expected) && said.contains("web.yml"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    fs::remove_file(web.path("web.yml")).unwrap();
    assert!(refused(&web, "").contains("web.yml: cannot be read"));
}

#[test]
fn what_is_said_of_tls_must_be_so() {
    let web = Web::new();
    web.configure("");
    assert!(refused(&web, "tls = true\n").contains("no certificate is configured"));
    web.configure(&tls(&[]));
    assert!(refused(&web, "tls = false\n").contains("turns TLS on"));
}

#[test]
fn a_token_must_be_there() {
    let web = Web::new();
    web.configure("");
    let token = format!("bearer_token_file = {:?}\n", web.path("token"));
    assert!(refused(&web, &token).contains("cannot be read"));
    web.write("token", " \n");
    assert!(refused(&web, &token).contains("contains no token"));
}

#[test]
fn who_comes_through_a_unix_socket_is_in_no_network_and_passes() {
    let web = Web::new();
    let socket = web.path("socket");
    let listen = format!("--web.listen-address=unix:{}", socket.display());
    let config = "[service]\nallow_from = [\"192.0.2.0/24\"]\n";
    let serving = Serving::start(program(), &[&listen], config);
    serving.logged("listening", 1);
    let answer = get_over_unix(&socket, "/-/healthy");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
