//! Sockets that systemd passes are served.

use crate::serving::{Serving, by_shell, get_over_unix};
use crate::support::{get, program, until};
use local_exporter_skip::skip;
use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

/// A shell that passes its standard input like systemd passes a socket.
fn passing(socket: impl Into<OwnedFd>) -> Command {
    let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web ";
    // An assignment before `exec` applies to the executed program.
    let mut command = by_shell(script);
    command.stdin(Stdio::from(socket.into()));
    command
}

const PASSED: &[&str] = &["--web.systemd-socket"];

#[test]
fn a_passed_port_is_served_and_named_in_the_log() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Serving::start(passing(listener), PASSED, "");
    assert_eq!(get(&format!("http://{address}/-/healthy"), &[]).status, 200);
    assert_eq!(
        serving.logged("socket passed by systemd", 1)[0]["name"],
        "web"
    );
    assert_eq!(serving.address(), address.to_string());
}

#[test]
fn a_passed_unix_socket_is_served_and_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let listener = UnixListener::bind(&path).unwrap();
    let config = "[service]\nlandlock = false\n";
    let mut serving = Serving::start(passing(listener), PASSED, config);
    assert!(get_over_unix(&path, "/-/healthy").starts_with("HTTP/1.1 200 "));
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0));
    assert!(path.exists());
}

#[test]
fn a_passed_socket_must_exist_and_listen() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let file = File::open("/dev/null").unwrap();
    let neither = "is neither a TCP nor a unix stream socket";
    for (command, sentence) in [
        (program(), "no socket activation file descriptors found"),
        (
            // For another process.
            by_shell("LISTEN_PID=1 LISTEN_FDS=1 "),
            "no socket activation file descriptors found",
        ),
        (passing(connection), "does not listen"),
        (passing(datagrams), neither),
        (passing(file), neither),
    ] {
        let mut serving = Serving::start(command, PASSED, "");
        assert_eq!(serving.ended().code(), Some(1));
        let event = &serving.logged("cannot serve", 1)[0];
        let error = event["error"].as_str().unwrap();
        assert!(error.contains(sentence), "{error}");
    }
}

#[test]
fn systemd_socket_activate_starts_the_exporter_at_the_first_request() {
    if Command::new("systemd-socket-activate")
        .arg("--version")
        .output()
        .is_err()
    {
        return skip("systemd-socket-activate is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let mut command = Command::new("systemd-socket-activate");
    command
        .arg("-l")
        .arg(&path)
        .arg("--fdname=own")
        .arg(program().get_program());
    let serving = Serving::start(command, PASSED, "");
    // The file exists before the socket listens.
    until("the socket listens", || {
        serving
            .lines()
            .iter()
            .any(|line| line.starts_with("Listening on "))
    });
    assert!(get_over_unix(&path, "/-/healthy").starts_with("HTTP/1.1 200 "));
    // The process of systemd-socket-activate has become the exporter.
    let event = &serving.logged("socket passed by systemd", 1)[0];
    assert_eq!(event["name"], "own");
}
