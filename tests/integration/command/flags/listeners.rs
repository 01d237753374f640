//! The addresses of `--web.listen-address`.

use super::Host;
use crate::support::program;
use std::process::Stdio;

#[test]
fn an_invalid_listener_is_explained() {
    let host = Host::new("");
    let long = format!("unix:/{}", "x".repeat(107));
    for (listener, expected) in [
        (":99999", "expected a port from 0 to 65535"),
        (
            "unix:/x?mode=999",
            "expected a mode of three or four octal digits",
        ),
        (
            "unix:/x?foo=1",
            "expected only the options `mode=` and `group=`",
        ),
        (&long, "expected a path of at most 107 bytes (unix(7))"),
        (
            "unix:/x?group=no-such-group",
            "unix:/x: group \"no-such-group\" does not exist in /etc/group",
        ),
    ] {
        let (code, _, error) = host.check(&[&format!("--web.listen-address={listener}")]);
        assert_eq!((code, error.lines().count()), (Some(2), 1), "{error}");
        assert!(
            error.starts_with("--web.listen-address: service.listen"),
            "{error}"
        );
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn all_addresses_of_flags_are_bound() {
    use std::io::{BufRead, BufReader};
    let host = Host::new("[service]\nport = 1\n");
    let mut child = program()
        .args(["serve", "--log.format=json", "--config.file"])
        .arg(host.path("config.toml"))
        .args([
            "--web.listen-address=127.0.0.1:0",
            "--web.listen-address=127.0.0.2:0",
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut found = Vec::new();
    for line in lines.map_while(Result::ok) {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        if event["msg"] == "listening" {
            found.push(event["address"].as_str().unwrap().to_owned());
        }
        if found.len() == 2 {
            break;
        }
    }
    let healthy = |address: &String| {
        let reply = crate::support::get(&format!("http://{address}/-/healthy"), &[]);
        reply.status == 200
    };
    let all = found.iter().all(healthy);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(all, "{found:?}");
    assert!(
        found[0].starts_with("127.0.0.1:") && found[1].starts_with("127.0.0.2:"),
        "{found:?}"
    );
}
