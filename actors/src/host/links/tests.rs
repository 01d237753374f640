#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, lchown, symlink};
use tempfile::TempDir;

/// Users other than root.
const DAEMON: u32 = 61_001;
const OTHER: u32 = 61_002;

/// A directory of a daemon beside files of others. Only root can create it.
struct Scene(TempDir);

impl Scene {
    fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            local_exporter_skip::skip("only root can create files of other users");
            return None;
        }
        let folder = tempfile::tempdir_in(std::env::temp_dir().canonicalize().unwrap()).unwrap();
        let scene = Self(folder);
        for directory in ["it", "it/below", "other"] {
            fs::create_dir(scene.at(directory)).unwrap();
        }
        for (file, owner) in [
            ("it/real", DAEMON),
            ("it/below/real", DAEMON),
            ("other/secret", OTHER),
            ("other/own", DAEMON),
        ] {
            fs::write(scene.at(file), file).unwrap();
            lchown(scene.at(file), Some(owner), None).unwrap();
        }
        Some(scene)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn link(&self, owner: u32, name: &str, target: impl AsRef<Path>) {
        symlink(target, self.at(name)).unwrap();
        lchown(self.at(name), Some(owner), None).unwrap();
    }

    /// What a name in the directory leads to, with openat2(2) and without it.
    #[track_caller]
    fn open(&self, name: &str) -> Result<u64, OpenError> {
        let inode = |descriptor: OwnedFd| fstat(descriptor).unwrap().st_ino;
        let found = open_found(&self.at("it"), Path::new(name)).map(inode);
        let mut walked = Ok(Place {
            descriptor: open(self.at("it"), INSPECT, Mode::empty()).unwrap(),
            path: self.at("it"),
        });
        for name in Path::new(name) {
            walked = walked.and_then(|here| Walk::of(here, name));
        }
        let walked = walked.map(|place| inode(place.descriptor));
        assert_eq!(found, walked, "{name}: openat2 and the walk differ");
        found
    }

    #[track_caller]
    fn leads_to(&self, name: &str, target: &str) {
        let expected = self.at(target).metadata().unwrap().ino();
        assert_eq!(self.open(name), Ok(expected), "{name}");
    }

    #[track_caller]
    fn is_foreign(&self, name: &str, link: &str, target: &str) {
        match self.open(name) {
            Err(OpenError::Foreign(found)) => {
                assert_eq!(found.path.file_name().unwrap(), link, "{name}");
                assert_eq!(found.target.file_name().unwrap(), target, "{name}");
                assert_eq!((found.owner, found.target_owner), (DAEMON, OTHER));
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_link_is_followed_if_its_target_stays_inside_the_directory() {
    let Some(scene) = Scene::new() else { return };
    // The owner of the target is another one, so only the directory counts.
    lchown(scene.at("it/real"), Some(OTHER), None).unwrap();
    lchown(scene.at("it/below/real"), Some(OTHER), None).unwrap();
    scene.leads_to("real", "it/real");
    scene.link(DAEMON, "it/relative", "below/../real");
    scene.link(DAEMON, "it/absolute", scene.at("it/real"));
    scene.link(DAEMON, "it/out_and_in", "../it/below/real");
    // As a ConfigMap is mounted.
    scene.link(DAEMON, "it/..data", "below");
    scene.link(DAEMON, "it/key", "..data/real");
    scene.leads_to("relative", "it/real");
    scene.leads_to("absolute", "it/real");
    scene.leads_to("out_and_in", "it/below/real");
    scene.leads_to("key", "it/below/real");
    scene.leads_to("..data/real", "it/below/real");
}

#[test]
fn a_link_out_of_the_directory_is_followed_if_root_or_the_owner_of_the_target_created_it() {
    let Some(scene) = Scene::new() else { return };
    scene.link(0, "it/by_root", scene.at("other/secret"));
    scene.link(DAEMON, "it/own", "../other/own");
    scene.leads_to("by_root", "other/secret");
    scene.leads_to("own", "other/own");
    for (index, target) in [
        "../other/secret",
        scene.at("other/secret").to_str().unwrap(),
    ]
    .iter()
    .enumerate()
    {
        let name = format!("foreign{index}");
        scene.link(DAEMON, &format!("it/{name}"), target);
        scene.is_foreign(&name, &name, "secret");
    }
}

#[test]
fn every_link_of_a_chain_counts() {
    let Some(scene) = Scene::new() else { return };
    scene.link(0, "other/by_root", "secret");
    scene.link(DAEMON, "it/first", "../other/by_root");
    scene.link(DAEMON, "it/zeroth", "first");
    scene.is_foreign("first", "first", "secret");
    scene.is_foreign("zeroth", "first", "secret");
    // The second link is the foreign one.
    scene.link(DAEMON, "it/by_daemon", "../other/secret");
    scene.link(0, "it/by_root", "by_daemon");
    scene.is_foreign("by_root", "by_daemon", "secret");
}

#[test]
fn a_link_to_a_directory_in_the_middle_of_a_path_counts() {
    let Some(scene) = Scene::new() else { return };
    lchown(scene.at("other"), Some(OTHER), None).unwrap();
    scene.link(DAEMON, "it/directory", "../other");
    scene.is_foreign("directory/secret", "directory", "other");
    // A link in a directory that a link of root leads to.
    scene.link(0, "it/allowed", "../other");
    scene.link(DAEMON, "other/away", scene.at("it/real"));
    scene.leads_to("allowed/secret", "other/secret");
    scene.leads_to("allowed/away", "it/real");
}

#[test]
fn owners_without_a_number_and_hard_links_to_links_are_not_trusted() {
    let Some(scene) = Scene::new() else { return };
    lchown(scene.at("other/own"), Some(OVERFLOW_USER), None).unwrap();
    scene.link(OVERFLOW_USER, "it/unknown", "../other/own");
    assert!(matches!(scene.open("unknown"), Err(OpenError::Foreign(_))));
    scene.link(0, "other/link", "secret");
    fs::hard_link(scene.at("other/link"), scene.at("it/hard")).unwrap();
    scene.link(0, "other/deep", scene.at("other/secret"));
    fs::hard_link(scene.at("other/deep"), scene.at("it/deep")).unwrap();
    assert!(matches!(scene.open("deep"), Err(OpenError::Foreign(_))));
}

#[test]
fn loops_and_missing_targets_are_errors() {
    let Some(scene) = Scene::new() else { return };
    scene.link(0, "it/loop", "loop");
    scene.link(0, "it/dangling", "../nowhere");
    scene.link(0, "it/file", "real/below");
    assert_eq!(scene.open("loop"), Err(Errno::LOOP.into()));
    assert_eq!(scene.open("dangling"), Err(Errno::NOENT.into()));
    assert_eq!(scene.open("absent"), Err(Errno::NOENT.into()));
    assert_eq!(scene.open("file"), Err(Errno::NOTDIR.into()));
}
