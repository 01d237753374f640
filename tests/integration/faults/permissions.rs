//! Permissions that are removed and granted again. The exporter runs as user 65534, since root is
//! never denied.

use super::scene::{Expected, GOOD, Recovery, Scene};
use crate::namespaces::{AS_NOBODY, nobody_can_run_it, under};
use crate::support::quoted;
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use local_exporter_skip::skip;
use rustix::fs::{XattrFlags, removexattr, setxattr};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A scene whose `it` has its own directory.
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

/// A scene whose `it` is a valid file; changes are noticed by events only.
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

/// A scene whose `it` is the working socket `sock` in a directory.
fn socket() -> Option<(Scene, PathBuf, ScriptedDaemon)> {
    let (scene, directory) = scene(|directory| {
        let path = quoted(&directory.join("sock"));
        format!("kind = \"uds\"\npath = {path}")
    })?;
    let serve = Behaviour::Serve(GOOD.to_vec());
    let daemon = ScriptedDaemon::start(directory.join("sock"), serve).unwrap();
    Some((scene, directory, daemon))
}

#[test]
fn is_removed_from_a_socket() {
    let Some((scene, directory, _daemon)) = socket() else {
        return;
    };
    let path = directory.join("sock");
    let hint = format!("; uid 65534 may not connect to {} (0755 ", path.display());
    scene.fault(
        "permission for a socket removed",
        // Leaks a few bytes per test.
        Expected::error("denied", String::leak(hint)),
        Recovery::InTheNextResponse,
        || allow(&path, 0o755),
        |()| allow(&path, 0o666),
    );
    let hint = format!("; uid 65534 may not search {} (0700 ", directory.display());
    scene.fault(
        "permission for the directory of a socket removed",
        Expected::error("denied", String::leak(hint)),
        Recovery::InTheNextResponse,
        || allow(&directory, 0o700),
        |()| allow(&directory, 0o755),
    );
}

/// The name of the extended attribute with an access control list (acl(5)).
const ACL: &str = "system.posix_acl_access";

/// An access control list that allows everything to all users except 65534, in the kernel's
/// format: a version, and entries of a kind, permissions and a user.
fn all_but_nobody() -> Vec<u8> {
    let everyone = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 7, everyone),
        (0x02, 0, 65534),
        (0x04, 7, everyone),
        (0x10, 7, everyone),
        (0x20, 7, everyone),
    ];
    let entry = |(kind, allowed, user): (u16, u16, u32)| {
        let words = [kind.to_le_bytes(), allowed.to_le_bytes()].concat();
        [words, user.to_le_bytes().to_vec()].concat()
    };
    let entries = entries.into_iter().flat_map(entry);
    2_u32.to_le_bytes().into_iter().chain(entries).collect()
}

/// The mode allows the access, but an ACL denies it: the error message must say so.
#[test]
fn is_removed_by_an_acl_though_the_mode_grants_it() {
    let Some((scene, directory, _daemon)) = socket() else {
        return;
    };
    let path = directory.join("sock");
    for (name, at) in [("socket", &path), ("directory of a socket", &directory)] {
        allow(at, 0o777);
        let list = all_but_nobody();
        if setxattr(at, ACL, &list, XattrFlags::empty()).is_err() {
            skip("this file system has no access control lists");
            return;
        }
        removexattr(at, ACL).unwrap();
        let hint = format!(
            "; the mode of {} (0777 0:0) would allow it: probably denied by SELinux, AppArmor \
             or an ACL",
            at.display()
        );
        scene.fault(
            &format!("permission for a {name} removed by its ACL"),
            Expected::error("denied", String::leak(hint)),
            Recovery::InTheNextResponse,
            || setxattr(at, ACL, &list, XattrFlags::empty()).unwrap(),
            |()| removexattr(at, ACL).unwrap(),
        );
    }
}

#[test]
fn is_removed_from_a_file() {
    let Some((scene, path)) = file() else {
        return;
    };
    scene.fault(
        "permission for a file removed",
        Expected::error("denied", "cannot open"),
        Recovery::Soon,
        || allow(&path, 0o600),
        |()| allow(&path, 0o644),
    );
}

#[test]
fn is_removed_from_a_directory() {
    let Some((scene, path)) = file() else {
        return;
    };
    let directory = path.parent().unwrap();
    scene.fault(
        "permission for a directory removed",
        Expected::error("denied", "cannot access"),
        Recovery::Soon,
        || allow(directory, 0o700),
        |()| allow(directory, 0o755),
    );
}
