//! What stands where the socket of a daemon should, while there is no daemon.

use super::scene::{Expected, Recovery};
use super::socket::{good, path, stage};
use crate::support::program;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

/// What stands at the path while there is no daemon, made by `make` and gone when its value is.
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
    scene.fault(name, expected, Recovery::InTheNextAnswer, begin, end);
}

#[test]
fn nothing() {
    let expected = Expected::error(
        "absent",
        "the daemon does not run, or has its socket elsewhere",
    );
    in_its_place("is not there", |_| (), expected);
}

#[test]
fn a_socket_that_refuses() {
    // The daemon died: its socket stays, nobody listens.
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
