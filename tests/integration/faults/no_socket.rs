//! Other objects at the path of a socket while the daemon is not running.

use super::scene::{Expected, Recovery};
use super::socket::{good, path, stage};
use crate::support::program;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

/// Replaces the socket by what `make` creates, until its value is dropped.
#[track_caller]
fn in_its_place<T>(name: &str, make: impl FnOnce(&Path) -> T, expected: Expected) {
    let (scene, daemon) = stage(program());
    let path = path(scene.folder());
    let begin = || {
        drop(daemon);
        make(&path)
    };
    let end = |made| {
        drop(made);
        if path.is_dir() {
            std::fs::remove_dir(&path).unwrap();
        } else if path.exists() {
            std::fs::remove_file(&path).unwrap();
        }
        ScriptedDaemon::start(&path, good()).unwrap()
    };
    scene.fault(name, expected, Recovery::InTheNextResponse, begin, end);
}

#[test]
fn no_file() {
    let expected = Expected::error(
        "absent",
        "the daemon is not running, or its socket is at another path",
    );
    in_its_place("does not exist", |_| (), expected);
}

#[test]
fn a_socket_that_refuses() {
    // The daemon was killed: its socket file exists, but no process listens on it.
    let died = |path: &Path| drop(UnixListener::bind(path).unwrap());
    let expected = Expected::error("refused", "the daemon may have left its socket behind");
    in_its_place("refuses", died, expected);
}

#[test]
fn a_file() {
    let file = |path: &Path| std::fs::write(path, "a 1\n").unwrap();
    in_its_place(
        "is a file",
        file,
        Expected::error("unsuitable", "is not a socket"),
    );
}

#[test]
fn a_directory() {
    let directory = |path: &Path| std::fs::create_dir(path).unwrap();
    in_its_place(
        "is a directory",
        directory,
        Expected::error("unsuitable", "is not a socket"),
    );
}

#[test]
fn a_socket_of_another_type() {
    let datagrams = |path: &Path| UnixDatagram::bind(path).unwrap();
    let expected = Expected::error("unsuitable", "a socket of another type");
    in_its_place("is a socket of another type", datagrams, expected);
}
