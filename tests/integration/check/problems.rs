//! Problems of a source are found, with the reason and the remedy.

use super::{Scene, assert_found, of, serving};
use crate::namespaces::after;
use crate::support::{program, quoted};
use local_exporter_daemons::quiet_files::{OPTIONS, QuietFiles};
use local_exporter_skip::skip;
use std::fs;

#[test]
fn a_broken_link_is_named_with_the_path_that_contains_it() {
    let mut scene = Scene::new();
    let [above, link, target] = ["above", "above/link", "gone"].map(|name| scene.at(name));
    fs::create_dir(above).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    scene.selector("it", "uds", "above/link/sock");
    let (code, reports) = scene.reports(program());
    assert_eq!(code, Some(1));
    let what = format!(
        "{link}/sock leads through the link {link} to {target}, which does not exist",
        link = link.display(),
        target = target.display()
    );
    let remedy = "start the daemon, or correct the path";
    assert_found(
        of(&reports, "it"),
        "not_ready",
        Some("absent"),
        &what,
        remedy,
    );
}

#[test]
fn deleted_files_and_mounted_files_are_warnings() {
    let mut scene = Scene::new();
    scene.file("real/it.prom", 0o644);
    scene.file("it.prom", 0o644);
    scene.file("alone.prom", 0o644);
    scene.file("alone.sock", 0o644);
    fs::create_dir(scene.at("mounted")).unwrap();
    let _daemon = scene.daemon("sock", 0o666, serving());
    scene.selector("deleted", "file", "mounted/it.prom");
    scene.selector("file", "file", "alone.prom");
    scene.selector("socket", "uds", "alone.sock");
    let script = "cd \"$1\" && mount --bind real mounted && rm -r real \
                  && mount --bind it.prom alone.prom && mount --bind sock alone.sock";
    let folder = scene.folder.path().to_str().unwrap();
    let Some(command) = after(script, &[folder], &["--mount"]) else {
        return;
    };
    let (code, reports) = scene.reports(command);
    assert_eq!(code, Some(1));
    let what =
        format!("{folder}/mounted was deleted; its mount still refers to the deleted directory");
    let remedy = "mount a parent directory that is not deleted";
    assert_found(
        of(&reports, "deleted"),
        "not_ready",
        Some("absent"),
        &what,
        remedy,
    );
    for (selector, name) in [("file", "alone.prom"), ("socket", "alone.sock")] {
        let what = format!("{folder}/{name} is itself a mount point: a file renamed over it");
        let remedy = "mount its directory";
        assert_found(of(&reports, selector), "warning", None, &what, remedy);
    }
}

#[test]
fn a_file_system_that_hangs_delays_no_other_selector() {
    let mut scene = Scene::new();
    scene.config = "[bridge]\ndefaults.timeout = \"1s\"\n".to_owned();
    scene.file("m.prom", 0o644);
    fs::create_dir(scene.at("remote")).unwrap();
    for (name, kind) in [("file", "file"), ("socket", "uds")] {
        scene.selector(name, kind, "remote/it.prom");
    }
    scene.selector("pattern", "file", "remote/*.prom");
    scene.config += &format!("selectors.bare = {}\n", quoted(&scene.at("remote")));
    scene.selector("good", "file", "m.prom");
    let remote = scene.at("remote");
    let script = "mount -i -t fuse -o \"$1\" quiet \"$2\" && exec </dev/null";
    let words = [OPTIONS, remote.to_str().unwrap()];
    let Some(mut command) = after(script, &words, &["--mount"]) else {
        return;
    };
    let Ok(files) = QuietFiles::new("it.prom", b"a 1\n") else {
        skip("/dev/fuse cannot be used here");
        return;
    };
    command.stdin(files.device().unwrap());
    files.hang();
    // The file system never responds, so ending at all is the assertion.
    let (code, reports) = scene.reports(command);
    assert_eq!(code, Some(1));
    assert_eq!(of(&reports, "good")["verdict"], "ok", "{reports:#?}");
    let what = "inspecting its paths took longer than its timeout";
    for name in ["file", "socket", "pattern", "bare"] {
        let (verdict, reason) = ("not_ready", Some("timeout"));
        assert_found(
            of(&reports, name),
            verdict,
            reason,
            what,
            "find the file system that hangs",
        );
    }
    assert!(
        files.pending_requests() > 0,
        "the file system was not accessed"
    );
}

#[test]
fn a_partial_body_of_several_files_is_a_warning() {
    let mut scene = Scene::new();
    for (name, text) in [
        ("many/a.prom", "# TYPE a gauge\na 1\n"),
        ("many/b.prom", "b oops\n"),
        ("many/c.prom", "# TYPE a counter\na 2\n"),
        ("many/d.prom", "d 1\n"),
        ("many/e.prom", "d 2\n"),
        ("unfinished", "e 12"),
    ] {
        fs::write(scene.file(name, 0o644), text).unwrap();
    }
    scene.selector("many", "file", "many");
    scene.selector("good", "file", "many/d.prom");
    scene.selector("unfinished", "file", "unfinished");
    let (code, reports) = scene.reports(program());
    assert_eq!(code, Some(0));
    assert_eq!(of(&reports, "good")["verdict"], "ok", "{reports:#?}");
    let many = of(&reports, "many");
    assert_found(
        many,
        "warning",
        None,
        "`oops` is not a valid number",
        "correct the daemon",
    );
    let findings = many["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .map(|finding| finding["what"].as_str().unwrap());
    let found = found.collect::<Vec<_>>();
    assert_eq!(found.len(), 4, "{found:#?}");
    for (found, expected) in found.iter().zip([
        "many/b.prom: line 1",
        "many/c.prom",
        "series left out because an earlier file has it: ",
        "series left out because an earlier file has them: 1",
    ]) {
        assert!(found.contains(expected), "{found} is not about {expected}");
    }
    let (what, remedy) = ("lacks its final newline", "by renaming");
    assert_found(of(&reports, "unfinished"), "warning", None, what, remedy);
}
