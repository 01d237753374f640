//! Faults of a daemon behind a unix socket.

use super::scene::{Expected, GOOD, Outcome, Recovery, SOON, Scene, TIMEOUT};
use crate::support::{program, quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// More than the `max_bytes` of `it`.
const TOO_MUCH: usize = 64 << 10;

pub fn good() -> Behaviour {
    Behaviour::Serve(GOOD.to_vec())
}

/// The path of the socket of `it`.
pub fn path(folder: &Path) -> PathBuf {
    folder.join("sock")
}

/// A scene whose `it` is a socket that does not exist yet.
fn scene(command: Command) -> Scene {
    Scene::start_as(command, "1h", |folder| {
        format!(
            "[bridge.selectors.it]\nkind = \"uds\"\npath = {}\ntimeout = \"{TIMEOUT:?}\"\n\
             max_bytes = {TOO_MUCH}\n",
            quoted(&path(folder))
        )
    })
}

/// A scene, and the daemon of its `it`.
pub fn stage(command: Command) -> (Scene, ScriptedDaemon) {
    let scene = scene(command);
    let daemon = ScriptedDaemon::start(path(scene.folder()), good()).unwrap();
    (scene, daemon)
}

/// Makes the daemon behave incorrectly, and expects the result.
#[track_caller]
fn fault(name: &str, behaviour: Behaviour, expected: Expected) {
    let (scene, daemon) = stage(program());
    scene.fault(
        name,
        expected,
        Recovery::InTheNextResponse,
        || daemon.set(behaviour).unwrap(),
        |()| daemon.set(good()).unwrap(),
    );
    until("no connection to the daemon is left", || daemon.open() == 0);
}

#[test]
fn hangs_before_it_accepts() {
    let expected = Expected::timeout("it wrote nothing (the exporter sends no request");
    fault(
        "hangs before it accepts",
        Behaviour::HangBeforeAccept,
        expected,
    );
}

#[test]
fn hangs_with_a_full_backlog() {
    let expected = Expected::timeout("its queue of connections is full");
    fault(
        "hangs with a full backlog",
        Behaviour::FullBacklog,
        expected,
    );
}

#[test]
fn hangs_after_it_accepted() {
    let expected = Expected::timeout("it wrote nothing (the exporter sends no request");
    fault(
        "hangs after it accepted",
        Behaviour::HangAfterAccept,
        expected,
    );
}

#[test]
fn trickles() {
    let trickle = Behaviour::Trickle {
        bytes: GOOD.repeat(1000),
        chunk: 1,
        pause: Duration::from_millis(50),
    };
    fault(
        "trickles",
        trickle,
        Expected::timeout("bytes and did not close the connection"),
    );
}

#[test]
fn stops_halfway_and_stays() {
    let half = Behaviour::StopHalfway(GOOD.repeat(100));
    fault(
        "stops halfway and stays",
        half,
        Expected::timeout("it wrote 250 bytes and did not close"),
    );
}

#[test]
fn stops_halfway_and_closes() {
    let half = Behaviour::HalfThenClose(b"it_counts 12345678\n".to_vec());
    let expected = Expected::error("truncated", "unexpected end of body, expected a value");
    fault("stops halfway and closes", half, expected);
}

#[test]
fn resets() {
    let expected = Expected::error("reset", "Connection reset by peer");
    fault("resets", Behaviour::Reset, expected);
}

#[test]
fn sends_too_much() {
    let expected = Expected::error("too_large", "larger than max_bytes = 65536");
    fault("sends too much", Behaviour::TooMuch(1 << 20), expected);
}

#[test]
fn sends_without_end() {
    let expected = Expected::error("too_large", "larger than max_bytes = 65536");
    fault(
        "sends lines without end",
        Behaviour::TooMuch(u64::MAX),
        expected,
    );
}

#[test]
fn sends_a_line_without_end() {
    let expected = Expected::error("too_large", "larger than max_bytes = 65536");
    fault("sends a line without end", Behaviour::EndlessLine, expected);
}

#[test]
fn sends_garbage() {
    let expected = Expected::error("truncated", "line 1, column 1");
    fault("sends garbage", Behaviour::Garbage, expected);
}

#[test]
fn sends_nothing() {
    let expected = Expected::error("empty", "allow_empty = true accepts this");
    fault("sends nothing", Behaviour::Nothing, expected);
}

#[test]
fn responds_late() {
    let late = Behaviour::RespondLate {
        delay: TIMEOUT * 2,
        bytes: b"late 1\n".to_vec(),
    };
    fault(
        "responds late",
        late,
        Expected::timeout("it wrote nothing (the exporter sends no request"),
    );
}

#[test]
fn creates_a_new_inode_for_every_response() {
    let scene = scene(program());
    let behaviour = Behaviour::NewInode(GOOD.to_vec());
    let daemon = ScriptedDaemon::start(path(scene.folder()), behaviour).unwrap();
    scene.meanwhile("creates a new inode for every response", || {
        let mut longest = Duration::ZERO;
        for _ in 0..200 {
            let began = Instant::now();
            assert!(scene.is_good());
            longest = longest.max(began.elapsed());
        }
        assert!(longest < SOON, "a response took {longest:?}");
        (Outcome::good(longest), ())
    });
    assert_eq!(daemon.accepted(), 200);
}

#[test]
fn changes_its_behaviour_all_the_time() {
    let (scene, daemon) = stage(program());
    scene.meanwhile("changes its behaviour all the time", || {
        let mut longest = Duration::ZERO;
        for round in 0..50 {
            let fault = match round % 5 {
                0 => Behaviour::Reset,
                1 => Behaviour::Nothing,
                2 => Behaviour::NewInode(GOOD.to_vec()),
                3 => Behaviour::HalfThenClose(b"it_counts 12345678\n".to_vec()),
                _ => Behaviour::Garbage,
            };
            daemon.set(fault).unwrap();
            let began = Instant::now();
            scene.exporter.scrape("it");
            longest = longest.max(began.elapsed());
            daemon.set(good()).unwrap();
            assert!(scene.is_good(), "round {round}");
        }
        assert!(longest < SOON, "a response took {longest:?}");
        (Outcome::good(longest), ())
    });
}
