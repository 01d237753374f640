//! The two programs as a user runs them: they serve, stop on a signal, and report errors.
//!
//! Runs the built binaries as child processes, which are killed if a test ends early.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, at the line that is wrong"
)]

mod client;

use client::{call, eventually, read};
use local_exporter_daemons::bus::{Bus, BusOptions, BusPolicy};
use local_exporter_daemons::prombus::{FAULTS, INTERFACE, METHOD};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output};

const DAEMON: &str = env!("CARGO_BIN_EXE_instrumented-daemon");
const PROMBUS: &str = env!("CARGO_BIN_EXE_prombus");

/// A process that does not outlive its test.
struct Running(Child);

impl Running {
    fn stop(&mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn stderr_of(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_instrumented_daemon_writes_serves_and_stops() {
    for signal in [Signal::TERM, Signal::INT] {
        let directory = tempfile::tempdir().unwrap();
        let (file, socket) = (directory.path().join("f"), directory.path().join("s"));
        let mut daemon = Running(
            Command::new(DAEMON)
                .args([&file, &socket])
                .args(["--every", "1"])
                .spawn()
                .unwrap(),
        );
        assert!(eventually(|| file.exists()));
        let first = fs::read(&file).unwrap();
        let served = String::from_utf8(read(&socket).unwrap()).unwrap();
        assert!(served.contains("\ninstrumented_daemon_ticks_total "));
        assert!(eventually(|| fs::read(&file).unwrap() != first));
        assert!(daemon.stop(signal).success());
        assert!(!socket.exists());
        assert!(file.exists());
    }
}

#[test]
fn the_instrumented_daemon_reports_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    for (file, socket, expected) in [
        (directory.path().join("f"), missing.join("s"), "cannot bind"),
        (
            missing.join("f"),
            directory.path().join("s"),
            "cannot write",
        ),
    ] {
        let output = Command::new(DAEMON).args([file, socket]).output().unwrap();
        let text = stderr_of(&output);
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("create its directory first"), "{text}");
    }
    assert!(!directory.path().join("s").exists());
}

fn start_prombus(bus: &Bus) -> Running {
    let prombus = Command::new(PROMBUS)
        .args(["--address", &bus.address()])
        .spawn()
        .unwrap();
    let prombus = Running(prombus);
    assert!(eventually(|| {
        call(&bus.address(), INTERFACE, METHOD).is_ok()
    }));
    prombus
}

#[test]
fn prombus_serves_no_faults_and_stops() {
    let bus = Bus::start().unwrap();
    let mut prombus = start_prombus(&bus);
    let reply = call(&bus.address(), INTERFACE, METHOD).unwrap();
    let text: Vec<u8> = reply.body().deserialize().unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("\nprombus_ticks_total "), "{text}");
    assert!(call(&bus.address(), FAULTS, "Number").is_err());
    assert!(prombus.stop(Signal::TERM).success());
}

#[test]
fn prombus_ends_with_its_bus() {
    let mut bus = Bus::start().unwrap();
    let mut prombus = start_prombus(&bus);
    bus.kill().unwrap();
    assert_eq!(prombus.0.wait().unwrap().code(), Some(1));
}

#[test]
fn prombus_reports_why_it_cannot_start() {
    let strict = BusOptions::new()
        .policy(BusPolicy::DefaultDeny)
        .start()
        .unwrap();
    let nowhere = format!("unix:path={}", Path::new("/nowhere/bus").display());
    for (address, expected) in [
        (strict.address(), "/etc/dbus-1/system.d"),
        (nowhere, "cannot use the bus"),
    ] {
        let output = Command::new(PROMBUS)
            .args(["--address", &address])
            .output()
            .unwrap();
        let text = stderr_of(&output);
        assert!(text.contains(expected), "{text}");
    }
}
