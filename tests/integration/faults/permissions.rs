//! Permission taken and given back. Root is denied nothing, so the exporter runs as nobody.

use super::scene::{Expected, GOOD, Recovery, Scene};
use crate::namespaces::{AS_NOBODY, nobody_can_run_it, under};
use crate::support::quoted;
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A scene whose `it` is in a directory of its own.
fn scene(it: impl FnOnce(&Path) -> String) -> Option<(Scene, PathBuf)> {
    if !nobody_can_run_it() {
        return None;
    }
    let scene = Scene::start_as(under(&AS_NOBODY), "1h", |folder| {
        let directory = folder.join("it");
        fs::create_dir(&directory).unwrap();
        allow(&directory, 0o755);
        format!("[bridge.selectors.it]\n{}\n", it(&directory))
    });
    let directory = scene.folder().join("it");
    Some((scene, directory))
}

/// A scene whose `it` is a good file, noticed by events alone.
fn file() -> Option<(Scene, PathBuf)> {
    let (scene, directory) = scene(|directory| {
        let path = directory.join("it.prom");
        fs::write(&path, GOOD).unwrap();
        allow(&path, 0o644);
        format!(
            "kind = \"file\"\nrefresh = \"1h\"\npath = {}",
            quoted(&path)
        )
    })?;
    Some((scene, directory.join("it.prom")))
}

#[test]
fn is_taken_from_a_socket() {
    let socket =
        |directory: &Path| format!("kind = \"uds\"\npath = {}", quoted(&directory.join("sock")));
    let Some((scene, directory)) = scene(socket) else {
        return;
    };
    let path = directory.join("sock");
    let _daemon = ScriptedDaemon::start(&path, Behaviour::Serve(GOOD.to_vec())).unwrap();
    let hint = format!("; uid 65534 may not connect to {} (0755 ", path.display());
    scene.fault(
        "permission taken from a socket",
        // A few bytes for each test.
        Expected::error("denied", String::leak(hint)),
        Recovery::InTheNextAnswer,
        || allow(&path, 0o755),
        |()| allow(&path, 0o666),
    );
    let hint = format!("; uid 65534 may not search {} (0700 ", directory.display());
    scene.fault(
        "permission taken from the directory of a socket",
        Expected::error("denied", String::leak(hint)),
        Recovery::InTheNextAnswer,
        || allow(&directory, 0o700),
        |()| allow(&directory, 0o755),
    );
}

#[test]
fn is_taken_from_a_file() {
    let Some((scene, path)) = file() else {
        return;
    };
    scene.fault(
        "permission taken from a file",
        Expected::error("denied", "cannot open"),
        Recovery::Soon,
        || allow(&path, 0o600),
        |()| allow(&path, 0o644),
    );
}

#[test]
fn is_taken_from_a_directory() {
    let Some((scene, path)) = file() else {
        return;
    };
    let directory = path.parent().unwrap();
    scene.fault(
        "permission taken from a directory",
        Expected::error("denied", "cannot look at"),
        Recovery::Soon,
        || allow(directory, 0o700),
        |()| allow(directory, 0o755),
    );
}
