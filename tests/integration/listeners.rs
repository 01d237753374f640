//! Listeners: several addresses, unix sockets, vsock, and the errors if one cannot be bound.

use crate::serving::{Serving, get_over, get_over_unix};
use crate::support::{get, program};
use local_exporter_skip::skip;
use socket2::{Domain, SockAddr, Socket, Type};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Output};

fn at(path: &Path, query: &str) -> String {
    format!("--web.listen-address=unix:{}{query}", path.display())
}

/// Output of an exporter that cannot start.
fn refused(arguments: &[&str]) -> Output {
    let mut command: Command = program();
    command.args(["serve", "--log.format", "json", "--config", "/dev/null"]);
    let output = command.args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    output
}

#[test]
fn every_configured_address_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let own = rustix::process::getgid().as_raw();
    let unix = at(&socket, &format!("?mode=0660&group={own}"));
    let local = ["--web.listen-address", "127.0.0.1:0"];
    let arguments = [&local[..], &local[..], &[unix.as_str()]].concat();
    let mut serving = Serving::start(program(), &arguments, "");
    for event in &serving.logged("listening", 3)[..2] {
        let address = event["address"].as_str().unwrap();
        assert_eq!(get(&format!("http://{address}/-/healthy"), &[]).status, 200);
    }
    let response = get_over_unix(&socket, "/-/healthy");
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    let metadata = socket.metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o660);
    assert_eq!(metadata.gid(), own);
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0));
}

#[test]
fn selectors_can_be_scraped_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let file = folder.path().join("m.prom");
    std::fs::write(&file, "a 1\n").unwrap();
    let config = format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {:?} }}\n",
        file.display()
    );
    let serving = Serving::start(program(), &[&at(&socket, "")], &config);
    serving.logged("listening", 1);
    crate::support::until("the file is served", || {
        get_over_unix(&socket, "/bridge?selector=it").ends_with("\r\n\r\na 1\n")
    });
}

#[test]
fn a_socket_left_by_a_crash_is_taken_over_and_one_in_use_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let address = at(&socket, "");
    let mut crashed = Serving::start(program(), &[&address], "");
    crashed.logged("listening", 1);
    let refusal = refused(&[&address]);
    let error = String::from_utf8_lossy(&refusal.stderr).into_owned();
    assert!(error.contains("cannot listen on unix:"), "{error}");
    assert!(error.contains("in use"), "{error}");
    assert!(get_over_unix(&socket, "/-/healthy").starts_with("HTTP/1.1 200 "));

    crashed.signal("KILL");
    crashed.ended();
    assert!(socket.exists());
    let after = Serving::start(program(), &[&address], "");
    after.logged("listening", 1);
    assert!(get_over_unix(&socket, "/-/healthy").starts_with("HTTP/1.1 200 "));
}

#[test]
fn without_confinement_shutdown_removes_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let config = "[service]\nlandlock = false\n";
    let mut serving = Serving::start(program(), &[&at(&socket, "")], config);
    serving.logged("listening", 1);
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn an_address_that_cannot_be_bound_is_named_and_ends_startup() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let file = folder.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let live = folder.path().join("live");
    let _live = UnixListener::bind(&live).unwrap();
    let absent = folder.path().join("absent/sock");
    let good = "--web.listen-address=127.0.0.1:0";
    for (bad, named) in [
        (format!("--web.listen-address={port}"), port.as_str()),
        (at(&file, ""), "is not a socket"),
        (at(&live, ""), "in use"),
        (at(&absent, ""), "absent/sock"),
        // The context ID of the hypervisor, which no program has.
        ("--web.listen-address=vsock://0:1".into(), "vsock://0:1"),
    ] {
        let output = refused(&[good, &bad]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            error.contains("cannot serve") && error.contains(named),
            "{bad}: {error}"
        );
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

/// An unused vsock port, or the error if the kernel has no vsock.
fn vsock_port() -> std::io::Result<u32> {
    // Ports are shared by all processes of the machine; low ones are reserved for privileged
    // processes.
    let port = 0x4000_0000 | std::process::id();
    let socket = Socket::new(Domain::VSOCK, Type::STREAM, None)?;
    socket.bind(&SockAddr::vsock(u32::MAX, port))?;
    Ok(port)
}

#[test]
fn requests_over_vsock_are_served() {
    let port = match vsock_port() {
        Ok(port) => port,
        Err(error) => {
            skip(format_args!("this kernel has no vsock ({error})"));
            return;
        }
    };
    let address = format!("vsock://:{port}");
    let listen = format!("--web.listen-address={address}");
    let mut serving = Serving::start(program(), &[&listen], "");
    let event = &serving.logged("listening", 1)[0];
    assert_eq!(event["address"], address);
    assert!(refused(&[&listen]).stderr.ends_with(b"(os error 98)\"}\n"));

    let stream = Socket::new(Domain::VSOCK, Type::STREAM, None).unwrap();
    // Connections to the machine itself need a kernel module of their own, see vsock(7).
    match stream.connect(&SockAddr::vsock(1, port)) {
        Err(error) => skip(format_args!(
            "requests over vsock: this kernel has no vsock loopback ({error})"
        )),
        Ok(()) => {
            let response = get_over(UnixStream::from(OwnedFd::from(stream)), "/-/healthy");
            assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        }
    }
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0));
}
