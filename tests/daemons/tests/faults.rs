//! The scripted socket daemon: every behaviour has the effect on a client that its description
//! says.
//!
//! Waits only on conditions. Where no data is expected, a short read timeout is used: on a slow
//! machine such a test may pass too easily, but it never fails.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, at the line that is wrong"
)]

mod client;

use client::{LIMIT, eventually, read};
use local_exporter_daemons::fault::{Behaviour, GARBAGE};
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TEXT: &[u8] = b"a 1\nb 2\n";
const SHORT: Duration = Duration::from_millis(40);

fn daemon(behaviour: Behaviour) -> (TempDir, ScriptedDaemon) {
    let directory = tempfile::tempdir().unwrap();
    let daemon = ScriptedDaemon::start(directory.path().join("s"), behaviour).unwrap();
    (directory, daemon)
}

/// Connects, reads the expected bytes and checks that nothing follows, not even the end.
fn read_until_silent(daemon: &ScriptedDaemon, expected: &[u8]) -> UnixStream {
    let mut stream = UnixStream::connect(daemon.path()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut text = vec![0; expected.len()];
    stream.read_exact(&mut text).unwrap();
    assert_eq!(text, expected);
    stream.set_read_timeout(Some(SHORT)).unwrap();
    let error = stream.read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

#[test]
fn responses_that_end() {
    let (_directory, daemon) = daemon(Behaviour::Nothing);
    for (behaviour, expected) in [
        (Behaviour::Serve(TEXT.to_vec()), TEXT),
        (Behaviour::HalfThenClose(TEXT.to_vec()), &b"a 1\n"[..]),
        (Behaviour::Garbage, GARBAGE),
        (Behaviour::Nothing, b""),
    ] {
        daemon.set(behaviour).unwrap();
        assert_eq!(read(daemon.path()).unwrap(), expected);
        assert_eq!(daemon.open(), 0);
    }
    assert_eq!(daemon.accepted(), 4);
    assert!(std::str::from_utf8(GARBAGE).is_err());
}

#[test]
fn hanging_before_accept_ends_with_another_behaviour() {
    let (_directory, daemon) = daemon(Behaviour::HangBeforeAccept);
    let mut stream = read_until_silent(&daemon, b"");
    assert_eq!((daemon.accepted(), daemon.open()), (0, 0));
    daemon.set(Behaviour::Serve(TEXT.to_vec())).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    assert_eq!(text, TEXT);
}

#[test]
fn a_full_backlog_accepts_no_connection() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
    let (_directory, daemon) = daemon(Behaviour::FullBacklog);
    let flags = SocketFlags::NONBLOCK;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
    let address = SocketAddrUnix::new(daemon.path()).unwrap();
    let error = rustix::net::connect(&socket, &address).unwrap_err();
    assert_eq!(error, rustix::io::Errno::AGAIN);
    daemon.set(Behaviour::Serve(TEXT.to_vec())).unwrap();
    assert_eq!(read(daemon.path()).unwrap(), TEXT);
}

#[test]
fn held_connections_are_counted_until_the_client_leaves() {
    let (_directory, daemon) = daemon(Behaviour::HangAfterAccept);
    let stream = read_until_silent(&daemon, b"");
    assert!(eventually(|| daemon.open() == 1));
    // A client that only shuts down its sending side still expects its response.
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "no event reports that nothing was sent"
    )]
    std::thread::sleep(SHORT);
    assert_eq!(daemon.open(), 1);
    drop(stream);
    assert!(eventually(|| daemon.open() == 0));
    assert_eq!(daemon.accepted(), 1);
}

#[test]
fn a_response_that_stops_halfway_stays_open_until_hang_up() {
    let (_directory, daemon) = daemon(Behaviour::StopHalfway(TEXT.to_vec()));
    let mut stream = read_until_silent(&daemon, b"a 1\n");
    daemon.hang_up();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    assert!(eventually(|| daemon.open() == 0));
}

#[test]
fn slow_responses_are_delayed_and_complete() {
    let (_directory, daemon) = daemon(Behaviour::Trickle {
        bytes: TEXT.to_vec(),
        chunk: 3,
        pause: SHORT,
    });
    let start = Instant::now();
    assert_eq!(read(daemon.path()).unwrap(), TEXT);
    assert!(start.elapsed() >= 3 * SHORT);
    let late = Behaviour::RespondLate {
        delay: SHORT,
        bytes: TEXT.to_vec(),
    };
    daemon.set(late).unwrap();
    let start = Instant::now();
    assert_eq!(read(daemon.path()).unwrap(), TEXT);
    assert!(start.elapsed() >= SHORT);
}

#[test]
fn a_reset_is_a_reset_every_time() {
    let (_directory, daemon) = daemon(Behaviour::Reset);
    for count in 1..=3 {
        let error = read(daemon.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(daemon.accepted(), count);
    }
}

#[test]
fn too_much_is_as_much_as_requested_and_valid() {
    let (_directory, daemon) = daemon(Behaviour::TooMuch(1 << 20));
    let text = String::from_utf8(read(daemon.path()).unwrap()).unwrap();
    assert!(((1 << 20)..(1 << 20) + 100).contains(&text.len()));
    assert!(text.ends_with('\n'));
    assert!(text.lines().all(|line| line.starts_with("too_much_total{")));
    daemon.set(Behaviour::TooMuch(u64::MAX)).unwrap();
    let mut endless = UnixStream::connect(daemon.path()).unwrap();
    endless.read_exact(&mut vec![0; 1 << 20]).unwrap();
    drop(endless);
    assert!(eventually(|| daemon.open() == 0));
}

#[test]
fn an_endless_line_goes_on_until_the_client_leaves() {
    let (_directory, daemon) = daemon(Behaviour::EndlessLine);
    let mut stream = UnixStream::connect(daemon.path()).unwrap();
    let mut bytes = vec![0; 1 << 20];
    stream.read_exact(&mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == b'x'));
    drop(stream);
    assert!(eventually(|| daemon.open() == 0));
}

#[test]
fn every_response_has_a_new_inode() {
    let (_directory, daemon) = daemon(Behaviour::NewInode(TEXT.to_vec()));
    for _ in 0..5 {
        let before = fs::metadata(daemon.path()).unwrap();
        // A second name keeps the old inode, so that its number is not reused.
        let held = daemon.path().with_extension("held");
        fs::hard_link(daemon.path(), &held).unwrap();
        assert_eq!(read(daemon.path()).unwrap(), TEXT);
        let after = fs::metadata(daemon.path()).unwrap();
        assert_ne!(before.ino(), after.ino());
        fs::remove_file(&held).unwrap();
    }
    assert_eq!(daemon.accepted(), 5);
}

#[test]
fn dropping_it_ends_everything_and_unlinks_the_path() {
    for behaviour in [
        Behaviour::HangBeforeAccept,
        Behaviour::FullBacklog,
        Behaviour::NewInode(TEXT.to_vec()),
    ] {
        let (directory, daemon) = daemon(behaviour);
        drop(daemon);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
    let (directory, daemon) = daemon(Behaviour::HangAfterAccept);
    let mut held = UnixStream::connect(daemon.path()).unwrap();
    assert!(eventually(|| daemon.open() == 1));
    drop(daemon);
    assert_eq!(held.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
