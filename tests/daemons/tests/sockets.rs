//! The healthy socket daemon: what it serves, records, binds and leaves behind.
//!
//! `faults.rs` tests the faulty one.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, at the line that is wrong"
)]

mod client;

use client::{eventually, read};
use local_exporter_daemons::promsock::PromSock;
use local_exporter_daemons::registry::Metrics;
use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};

#[test]
fn every_connection_gets_a_text_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let metrics = Metrics::new("dummy").unwrap();
    let daemon = PromSock::bind(directory.path().join("s"), move || metrics.text()).unwrap();
    assert_eq!(daemon.last_served(), None);
    let first = read(daemon.path()).unwrap();
    assert_eq!(daemon.last_served().unwrap(), first);
    let second = read(daemon.path()).unwrap();
    assert_eq!(daemon.last_served().unwrap(), second);
    assert_ne!(first, second);
    assert_eq!(daemon.served(), 2);
}

#[test]
fn a_client_that_does_not_read_blocks_no_other() {
    let directory = tempfile::tempdir().unwrap();
    // Far more than the buffers of a socket can hold.
    let daemon = PromSock::bind(directory.path().join("s"), || vec![b'\n'; 8 << 20]).unwrap();
    let _silent = UnixStream::connect(daemon.path()).unwrap();
    assert!(eventually(|| daemon.served() == 1));
    assert_eq!(read(daemon.path()).unwrap().len(), 8 << 20);
}

#[test]
fn the_socket_is_gone_after_the_drop() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = PromSock::bind(directory.path().join("s"), Vec::new).unwrap();
    drop(daemon);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn the_socket_of_another_process_stays_after_the_drop() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let daemon = PromSock::bind(&path, Vec::new).unwrap();
    fs::rename(&path, directory.path().join("old")).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    drop(daemon);
    assert!(path.exists());
}

#[test]
fn a_dead_socket_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let _daemon = PromSock::bind(&path, || b"a 1\n".to_vec()).unwrap();
    assert_eq!(read(&path).unwrap(), b"a 1\n");
}

#[test]
fn a_failure_to_bind_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let file = directory.path().join("file");
    fs::write(&file, "a 1\n").unwrap();
    let live = directory.path().join("live");
    let _live = PromSock::bind(&live, Vec::new).unwrap();
    for (path, expected) in [
        (missing.join("s"), "create its directory first"),
        (file.clone(), "not a socket"),
        (live.clone(), "another process listens there"),
    ] {
        let error = PromSock::bind(&path, Vec::new).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot bind {}: ", path.display())),
            "{error}"
        );
        assert!(error.contains(expected), "{error}");
    }
    assert!(!missing.exists());
    assert_eq!(fs::read(&file).unwrap(), b"a 1\n");
    assert_eq!(read(&live).unwrap(), b"");
}
