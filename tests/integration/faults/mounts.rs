//! Stale mounts: the mounted object was deleted, and another one has its name outside of the mount.

use super::bus::{Served, selector, system_bus};
use super::scene::{Expected, GOOD, Recovery, Scene, TIMEOUT};
use crate::namespaces::{after, within};
use crate::support::{quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The mount namespace.
pub const MOUNT: [&str; 1] = ["--mount"];
const BIND: &str = "mount --bind \"$1\" \"$2\"";

/// A bind mount.
struct Mount {
    from: PathBuf,
    to: PathBuf,
    _folder: TempDir,
}

impl Mount {
    /// Two paths in a new folder; the caller creates what is mounted.
    fn new(from: &str, to: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join(from), folder.path().join(to));
        Self {
            from,
            to,
            _folder: folder,
        }
    }

    /// A scene whose exporter alone sees the mount, with the keys of `it` except its timeout.
    fn scene(&self, it: &str) -> Option<Scene> {
        self.scene_of(&format!(
            "[bridge.selectors.it]\ntimeout = \"{TIMEOUT:?}\"\n{it}\n"
        ))
    }

    /// [`Mount::scene`] with the whole configuration of `it`.
    fn scene_of(&self, tables: &str) -> Option<Scene> {
        let words = [self.from.to_str().unwrap(), self.to.to_str().unwrap()];
        let command = after(BIND, &words, &MOUNT)?;
        Some(Scene::start_as(command, "1h", |_| tables.to_owned()))
    }

    /// Mounts the current object again.
    fn again(&self, scene: &Scene) {
        let (from, to) = (quoted(&self.from), quoted(&self.to));
        within(
            &scene.exporter,
            &MOUNT,
            &format!("umount {to} && mount --bind {from} {to}"),
        );
    }

    fn hint(&self) -> &'static str {
        let hint = format!(
            "{} was deleted; its mount still refers to the deleted ",
            self.to.display()
        );
        // Leaks a few bytes per test.
        String::leak(hint)
    }
}

fn good_daemon(path: &Path) -> ScriptedDaemon {
    ScriptedDaemon::start(path, Behaviour::Serve(GOOD.to_vec())).unwrap()
}

#[test]
fn a_mounted_directory_is_deleted_and_created_again() {
    let mount = Mount::new("real", "mounted");
    for directory in [&mount.from, &mount.to] {
        fs::create_dir(directory).unwrap();
    }
    let file = PromFile::new(mount.from.join("it.prom"));
    file.write(GOOD).unwrap();
    let it = format!(
        "kind = \"file\"\npath = {}\nrefresh = \"100ms\"",
        quoted(&mount.to.join("it.prom"))
    );
    let Some(scene) = mount.scene(&it) else {
        return;
    };
    scene.fault(
        "mounted directory is deleted",
        Expected::error("absent", mount.hint()),
        Recovery::Soon,
        || {
            fs::remove_dir_all(&mount.from).unwrap();
            fs::create_dir(&mount.from).unwrap();
            file.write(GOOD).unwrap();
            // The file is deleted before its directory, and a scan may happen in between.
            let dead = mount.hint();
            until("the directory is deleted in the mount", || {
                scene.exporter.scrape("it").text().contains(dead)
            });
        },
        |()| mount.again(&scene),
    );
}

#[test]
fn a_mounted_directory_of_a_socket_is_deleted_and_created_again() {
    let mount = Mount::new("real", "mounted");
    for directory in [&mount.from, &mount.to] {
        fs::create_dir(directory).unwrap();
    }
    let daemon = good_daemon(&mount.from.join("sock"));
    let it = format!("kind = \"uds\"\npath = {}", quoted(&mount.to.join("sock")));
    let Some(scene) = mount.scene(&it) else {
        return;
    };
    scene.fault(
        "mounted directory of a socket is deleted",
        Expected::error("absent", mount.hint()),
        Recovery::InTheNextResponse,
        || {
            drop(daemon);
            fs::remove_dir_all(&mount.from).unwrap();
            fs::create_dir(&mount.from).unwrap();
            good_daemon(&mount.from.join("sock"))
        },
        |daemon| {
            mount.again(&scene);
            daemon
        },
    );
}

#[test]
fn a_mounted_directory_of_a_bus_is_deleted_and_created_again() {
    let mount = Mount::new("real", "mounted");
    for directory in [&mount.from, &mount.to] {
        fs::create_dir(directory).unwrap();
    }
    let start = || Served::start(system_bus().directory(&mount.from));
    let served = start();
    let (from, to) = (mount.from.to_str().unwrap(), mount.to.to_str().unwrap());
    let tables = selector(&served.bus, TIMEOUT).replace(from, to);
    let Some(scene) = mount.scene_of(&tables) else {
        return;
    };
    scene.fault(
        "mounted directory of a bus is deleted",
        Expected::error("bus", mount.hint()),
        Recovery::InTheNextResponse,
        || {
            drop(served);
            fs::remove_dir_all(&mount.from).unwrap();
            fs::create_dir(&mount.from).unwrap();
            start()
        },
        |served| {
            mount.again(&scene);
            served
        },
    );
}

#[test]
fn a_mounted_file_is_replaced() {
    let mount = Mount::new("it.prom", "mounted.prom");
    let file = PromFile::new(&mount.from);
    file.write(GOOD).unwrap();
    fs::write(&mount.to, "").unwrap();
    let it = format!(
        "kind = \"file\"\npath = {}\nrefresh = \"100ms\"",
        quoted(&mount.to)
    );
    let Some(scene) = mount.scene(&it) else {
        return;
    };
    scene.fault(
        "mounted file is replaced",
        Expected::error("absent", mount.hint()),
        Recovery::Soon,
        || file.write(GOOD).unwrap(),
        |()| mount.again(&scene),
    );
}

#[test]
fn a_mounted_socket_is_replaced() {
    let mount = Mount::new("sock", "mounted");
    let daemon = good_daemon(&mount.from);
    fs::write(&mount.to, "").unwrap();
    let it = format!("kind = \"uds\"\npath = {}", quoted(&mount.to));
    let Some(scene) = mount.scene(&it) else {
        return;
    };
    scene.fault(
        "mounted socket is replaced",
        Expected::error("refused", mount.hint()),
        Recovery::InTheNextResponse,
        || {
            drop(daemon);
            good_daemon(&mount.from)
        },
        |daemon| {
            mount.again(&scene);
            daemon
        },
    );
}
