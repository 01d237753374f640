//! Faults of files: other objects at the path, and changes of the file.

use super::scene::{Expected, GOOD, Outcome, Recovery, Scene};
use crate::support::{make_fifo, program, quoted, until};
use local_exporter_daemons::promfile::PromFile;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The path of the file of `it`, in its own directory.
fn path(folder: &Path) -> PathBuf {
    folder.join("it").join("it.prom")
}

/// A scene whose `it` is a valid file. Changes are noticed by events only, and no body is kept after
/// an error. The exporter may read every destination of a link.
fn scene() -> (Scene, PromFile) {
    let mut command = program();
    command.env("LOCAL_EXPORTER__SERVICE__LANDLOCK", "false");
    let scene = Scene::start_as(command, "1h", |folder| {
        let file = PromFile::new(path(folder));
        fs::create_dir(folder.join("it")).unwrap();
        file.write(GOOD).unwrap();
        format!(
            "[bridge.selectors.it]\nkind = \"file\"\npath = {}\nrefresh = \"1h\"\n\
             keep_last_good = \"0s\"\nmax_bytes = 100\n",
            quoted(file.path())
        )
    });
    let file = PromFile::new(path(scene.folder()));
    (scene, file)
}

/// Writes `text` in place of a valid body, and expects the result.
#[track_caller]
fn written(name: &str, text: &[u8], expected: Expected) {
    let (scene, file) = scene();
    scene.fault(
        name,
        expected,
        Recovery::Soon,
        || file.write_in_place(text).unwrap(),
        |()| file.write(GOOD).unwrap(),
    );
}

#[test]
fn is_empty() {
    let expected = Expected::error("empty", "allow_empty = true accepts this");
    written("file is empty", b"", expected);
}

#[test]
fn stops_halfway() {
    let expected = Expected::error("truncated", "unexpected end of body, expected a value");
    written("file stops halfway", b"it_counts ", expected);
}

#[test]
fn is_too_large() {
    let expected = Expected::error("too_large", "larger than max_bytes = 100");
    written("file is too large", &GOOD.repeat(100), expected);
}

#[test]
fn is_garbage() {
    let expected = Expected::error("malformed", "line 1, column 1");
    written("file is garbage", b"= = =\n", expected);
}

/// Replaces the file atomically by what `make` creates.
#[track_caller]
fn in_its_place<T>(name: &str, make: impl FnOnce(&Path) -> T, expected: Expected) {
    let (scene, file) = scene();
    let beside = file.path().with_extension("beside");
    let begin = || {
        let made = make(&beside);
        fs::rename(&beside, file.path()).unwrap();
        made
    };
    let end = |made| {
        file.write(GOOD).unwrap();
        made
    };
    scene.fault(name, expected, Recovery::Soon, begin, end);
}

#[test]
fn is_a_fifo() {
    let expected = Expected::error("unsuitable", "is not a regular file");
    in_its_place("file is a FIFO", make_fifo, expected);
}

#[test]
fn is_a_socket() {
    let socket = |path: &Path| UnixListener::bind(path).unwrap();
    let expected = Expected::error("unsuitable", "is not a regular file");
    in_its_place("file is a socket", socket, expected);
}

#[test]
fn is_a_device_without_end() {
    let device = |path: &Path| symlink("/dev/zero", path).unwrap();
    let expected = Expected::error("unsuitable", "is not a regular file");
    in_its_place("file is a device without end", device, expected);
}

#[test]
fn is_a_link_loop() {
    let link_loop = |path: &Path| {
        let there = path.with_extension("there");
        symlink(path.with_extension("prom"), &there).unwrap();
        symlink(there, path).unwrap();
    };
    let expected = Expected::error("unsuitable", "Too many levels of symbolic links");
    in_its_place("file is a link loop", link_loop, expected);
}

#[test]
fn is_removed() {
    let (scene, file) = scene();
    scene.fault(
        "file is removed",
        Expected::error("absent", "No such file or directory"),
        Recovery::Soon,
        || file.remove().unwrap(),
        |()| file.write(GOOD).unwrap(),
    );
}

#[test]
fn its_directory_is_removed_and_created_again() {
    let (scene, file) = scene();
    let directory = file.path().parent().unwrap();
    scene.fault(
        "directory is removed",
        Expected::error("absent", "No such file or directory"),
        Recovery::Soon,
        || fs::remove_dir_all(directory).unwrap(),
        |()| {
            fs::create_dir(directory).unwrap();
            file.write(GOOD).unwrap();
        },
    );
    assert_eq!(scene.exporter.actor("it")["cache"]["watch"], "events");
}

#[test]
fn its_directory_is_moved_away_and_another_takes_its_place() {
    let (scene, file) = scene();
    let directory = file.path().parent().unwrap();
    scene.fault(
        "directory is moved away",
        Expected::error("absent", "No such file or directory"),
        Recovery::Soon,
        || fs::rename(directory, scene.folder().join("away")).unwrap(),
        |()| {
            let next = scene.folder().join("next");
            fs::create_dir(&next).unwrap();
            fs::write(next.join("it.prom"), GOOD).unwrap();
            fs::rename(next, directory).unwrap();
        },
    );
}

/// A scene whose `it` is a directory with this many other files.
fn its_directory_holds(names: usize) -> (Scene, PathBuf) {
    let scene = Scene::start(|folder| {
        let directory = folder.join("it");
        fs::create_dir(&directory).unwrap();
        for number in 0..names {
            fs::File::create(directory.join(format!("other-{number}"))).unwrap();
        }
        format!(
            "[bridge.selectors.it]\nkind = \"file\"\npath = {}\nrefresh = \"1h\"\n\
             timeout = \"10s\"\n",
            quoted(&directory)
        )
    });
    let directory = scene.folder().join("it");
    (scene, directory)
}

#[test]
fn its_directory_has_many_other_files() {
    let (scene, directory) = its_directory_holds(20_000);
    let file = PromFile::new(directory.join("it.prom"));
    scene.meanwhile("directory has many other files", || {
        let mut longest = Duration::ZERO;
        for round in 0..5 {
            let text = format!("round {round}\n");
            let began = Instant::now();
            file.write(text.as_bytes()).unwrap();
            until(&text, || scene.exporter.scrape("it").text() == text);
            longest = longest.max(began.elapsed());
        }
        (Outcome::good(longest), ())
    });
}

#[test]
#[ignore = "long: makes a hundred thousand files"]
fn its_directory_has_too_many_other_files() {
    let (scene, directory) = its_directory_holds(100_001);
    let file = PromFile::new(directory.join("it.prom"));
    let expected = Expected::error("too_large", "has more than 100000 entries");
    scene.meanwhile("directory has too many other files", || {
        file.write(GOOD).unwrap();
        until("the error is reported", || {
            scene.exporter.scrape("it").status == 502
        });
        let began = Instant::now();
        expected.assert(&scene.exporter.scrape("it"), began.elapsed());
        let took = began.elapsed();
        for number in 0..10 {
            fs::remove_file(directory.join(format!("other-{number}"))).unwrap();
        }
        file.write(GOOD).unwrap();
        until("the new version is served", || scene.is_good());
        (Outcome::of(expected, took), ())
    });
}
