//! Other listeners at the address of a message bus.

use super::bus::{Served, scene};
use super::scene::{Expected, Recovery};
use local_exporter_daemons::fault::{Behaviour, GARBAGE};
use local_exporter_daemons::scripted::ScriptedDaemon;

/// Replaces the bus by another listener, and expects the result.
#[track_caller]
fn instead(name: &str, behaviour: Behaviour, expected: Expected) {
    let (scene, served) = scene();
    let begin = || {
        let mut served = served;
        served.bus.kill().unwrap();
        let other = ScriptedDaemon::start(served.bus.socket(), behaviour).unwrap();
        (served, other)
    };
    let end = |(served, other)| {
        drop(other);
        Served::restart(served)
    };
    scene.fault(name, expected, Recovery::InTheNextResponse, begin, end);
}

#[test]
fn sends_nothing() {
    let expected = Expected::timeout("the bus did not accept the connection");
    instead(
        "no bus: sends nothing",
        Behaviour::HangAfterAccept,
        expected,
    );
}

#[test]
fn closes() {
    let expected = Expected::error("bus", "hung up during the handshake");
    instead("no bus: closes", Behaviour::Nothing, expected);
}

#[test]
fn resets() {
    let expected = Expected::error("bus", "hung up during the handshake");
    instead("no bus: resets", Behaviour::Reset, expected);
}

/// Sends bytes and keeps the connection open: a listener that closes might do so before the client
/// sends anything.
fn sending(bytes: &[u8]) -> Behaviour {
    Behaviour::StopHalfway(bytes.repeat(2))
}

#[test]
fn sends_garbage() {
    let expected = Expected::error("bus", "is not a bus");
    instead("no bus: sends garbage", sending(GARBAGE), expected);
}

#[test]
fn sends_an_empty_line() {
    let expected = Expected::error("bus", "is not a bus");
    instead("no bus: sends an empty line", sending(b"\n"), expected);
}

#[test]
fn sends_a_line_without_end() {
    let expected = Expected::error("bus", "is not a bus");
    instead(
        "no bus: sends a line without end",
        Behaviour::EndlessLine,
        expected,
    );
}
