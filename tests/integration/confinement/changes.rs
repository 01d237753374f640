//! Directories and links that change after the process was confined.

use super::{OUTSIDE, is_confined, persistent_folder, reads};
use crate::support::{Exporter, quoted, until};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Makes `link` lead to `target` atomically.
fn retarget(link: &Path, target: &Path) {
    let new = link.with_file_name("a-new-link");
    symlink(target, &new).unwrap();
    fs::rename(new, link).unwrap();
}

#[test]
fn a_new_destination_of_a_link_is_denied_until_a_restart() {
    let folder = persistent_folder();
    let (link, real) = (folder.path().join("m.prom"), folder.path().join("real"));
    fs::write(&real, "a 1\n").unwrap();
    symlink(&real, &link).unwrap();
    let exporter = Exporter::start(&reads(&link));
    until("the file is read", || {
        exporter.scrape("it").body == b"a 1\n"
    });
    if !is_confined(&exporter) {
        return;
    }
    retarget(&link, Path::new(OUTSIDE));
    until("the file is denied", || exporter.scrape("it").status == 502);
    let reply = exporter.scrape("it");
    reply.assert_error(502, "it", "denied");
    for hint in ["Landlock", "restart it", "service.landlock = false"] {
        assert!(reply.text().contains(hint), "{}", reply.text());
    }
    // The old destination is still allowed.
    retarget(&link, &real);
    until("the file is read again", || {
        exporter.scrape("it").body == b"a 1\n"
    });

    retarget(&link, Path::new(OUTSIDE));
    let exporter = Exporter::start(&reads(&link));
    let outside = fs::read(OUTSIDE).unwrap();
    until("the file is read after a restart", || {
        exporter.scrape("it").body == outside
    });
}

#[test]
fn without_landlock_a_link_may_lead_anywhere() {
    let folder = persistent_folder();
    let (link, real) = (folder.path().join("m.prom"), folder.path().join("real"));
    fs::write(&real, "a 1\n").unwrap();
    symlink(&real, &link).unwrap();
    let exporter = Exporter::start(&format!("landlock = false\n{}", reads(&link)));
    until("the file is read", || {
        exporter.scrape("it").body == b"a 1\n"
    });
    retarget(&link, Path::new(OUTSIDE));
    let outside = fs::read(OUTSIDE).unwrap();
    until("the new path is read", || {
        exporter.scrape("it").body == outside
    });
}

/// Common changes of directories by daemons and administrators still work. One case per row: what
/// exists at startup, the configured path, and the change.
#[test]
fn directories_that_are_created_later_or_replaced_are_read() {
    type Act = fn(&Path);
    fn put(file: &Path, content: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    let cases: [(&str, Act, &str, Act); 6] = [
        (
            "a directory is created again",
            |root| put(&root.join("daemon/m.prom"), "a 1\n"),
            "daemon/m.prom",
            |root| {
                fs::remove_dir_all(root.join("daemon")).unwrap();
                put(&root.join("daemon/m.prom"), "a 2\n");
            },
        ),
        (
            "a directory comes later, and again",
            |_| {},
            "daemon/public/m.prom",
            |root| {
                put(&root.join("daemon/public/m.prom"), "a 1\n");
                fs::remove_dir_all(root.join("daemon")).unwrap();
                put(&root.join("daemon/public/m.prom"), "a 2\n");
            },
        ),
        (
            "another daemon matches a pattern",
            |root| put(&root.join("one/public/m.prom"), "a 1\n"),
            "*/public/*.prom",
            |root| {
                fs::remove_dir_all(root.join("one")).unwrap();
                put(&root.join("two/public/m.prom"), "a 2\n");
            },
        ),
        (
            "a link leads to the next release",
            |root| {
                put(&root.join("releases/1/public/m.prom"), "a 1\n");
                symlink("releases/1", root.join("current")).unwrap();
            },
            "current/public/m.prom",
            |root| {
                put(&root.join("releases/2/public/m.prom"), "a 2\n");
                retarget(&root.join("current"), Path::new("releases/2"));
            },
        ),
        (
            "a ConfigMap is exchanged",
            |root| {
                put(&root.join("map/..1/m.prom"), "a 1\n");
                symlink("..1", root.join("map/..data")).unwrap();
                symlink("..data/m.prom", root.join("map/m.prom")).unwrap();
            },
            "map",
            |root| {
                put(&root.join("map/..2/m.prom"), "a 2\n");
                retarget(&root.join("map/..data"), Path::new("..2"));
                fs::remove_dir_all(root.join("map/..1")).unwrap();
            },
        ),
        (
            "a link in a directory leads out of it",
            |root| {
                put(&root.join("far/away/m.prom"), "a 1\n");
                put(&root.join("near/other.prom"), "");
                symlink("../far/away/m.prom", root.join("near/m.prom")).unwrap();
                fs::remove_file(root.join("near/other.prom")).unwrap();
            },
            "near",
            |root| {
                fs::remove_dir_all(root.join("far/away")).unwrap();
                put(&root.join("far/away/m.prom"), "a 2\n");
            },
        ),
    ];
    for (what, before, path, after) in cases {
        // On a persistent file system and on a temporary one: each has its own rule.
        for folder in [persistent_folder(), tempfile::tempdir().unwrap()] {
            // One level more, so that no case allows the folder itself.
            let root = folder.path().join("root");
            fs::create_dir(&root).unwrap();
            before(&root);
            let path = quoted(&root.join(path));
            let config = format!(
                "[bridge.selectors]\nit = {{ kind = \"file\", path = {path}, refresh = \"100ms\" }}\n"
            );
            let exporter = Exporter::start(&config);
            is_confined(&exporter);
            // The first scan must not be the one that finds the change.
            until("the first scrape has a result", || {
                let reply = exporter.scrape("it");
                reply.body == b"a 1\n" || reply.status == 502
            });
            after(&root);
            until(what, || exporter.scrape("it").body == b"a 2\n");
        }
    }
}
