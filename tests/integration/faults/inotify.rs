//! Faults of inotify: the selector polls, says so, and goes back to events when it can.

use super::scene::{GOOD, Outcome, Scene, TIMEOUT};
use crate::namespaces::{after, within};
use crate::support::{quoted, until};
use local_exporter_daemons::promfile::PromFile;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

const USER: [&str; 2] = ["--user", "--map-root-user"];

/// The tables of an `it` that is a good file in a directory of its own.
fn file(folder: &Path, refresh: &str) -> String {
    let directory = folder.join("it");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("it.prom"), GOOD).unwrap();
    format!(
        "[bridge.selectors.it]\nkind = \"file\"\npath = {}\nrefresh = {refresh:?}\n\
         timeout = \"{TIMEOUT:?}\"\n",
        quoted(&directory.join("it.prom"))
    )
}

fn limit(what: &str, most: u32) -> String {
    format!("echo {most} > /proc/sys/user/max_inotify_{what}")
}

/// What `/metrics` and `/debug/actors` say of how changes are noticed.
fn is_by(scene: &Scene, selector: &str, mode: &str) -> bool {
    let series = |mode: &str| {
        let labels = format!("{{mode=\"{mode}\",selector=\"{selector}\"}}");
        scene
            .exporter
            .metric(&format!("local_exporter_file_watch_mode{labels}"))
    };
    let other = if mode == "events" {
        "polling"
    } else {
        "events"
    };
    let told = scene.exporter.actor(selector)["cache"]["watch"] == mode;
    told && series(mode) == Some(1.0) && series(other) == Some(0.0)
}

/// Writes to the file of `it` and waits until that is served.
fn news(scene: &Scene, text: &str) {
    let file = PromFile::new(scene.folder().join("it/it.prom"));
    file.write(text.as_bytes()).unwrap();
    until(text, || scene.exporter.scrape("it").text() == text);
}

/// How often it was logged that `it` has to do without events.
fn told(scene: &Scene) -> usize {
    let log = scene.exporter.log();
    let about =
        |line: &&String| line.contains("no file events") && line.contains("\"selector\":\"it\"");
    log.iter().filter(about).count()
}

#[test]
fn has_no_instances_left() {
    let Some(command) = after(&limit("instances", 0), &[], &USER) else {
        return;
    };
    // The instance that is there in the end, and what waits for its events.
    let scene = Scene::start_as(command, "100ms", |folder| file(folder, "100ms")).bringing(3);
    until("it polls", || is_by(&scene, "it", "polling"));
    scene.meanwhile("no inotify instances left", || {
        let began = Instant::now();
        news(&scene, "it 2\n");
        let took = began.elapsed();
        assert_eq!(told(&scene), 1, "said once, not at every look");
        within(&scene.exporter, &USER[..1], &limit("instances", 128));
        until("events are back", || is_by(&scene, "it", "events"));
        news(&scene, "it 3\n");
        (Outcome::good(took), ())
    });
}

#[test]
fn has_no_watches_left() {
    let Some(command) = after("true", &[], &USER) else {
        return;
    };
    let scene = Scene::start_as(command, "1h", |folder| file(folder, "100ms"));
    until("it has events", || is_by(&scene, "it", "events"));
    scene.meanwhile("no inotify watches left", || {
        within(&scene.exporter, &USER[..1], &limit("watches", 1));
        let directory = scene.folder().join("it");
        // Another directory asks for a watch of its own.
        fs::rename(&directory, scene.folder().join("before")).unwrap();
        fs::create_dir(&directory).unwrap();
        let began = Instant::now();
        news(&scene, "it 2\n");
        let took = began.elapsed();
        until("it polls", || is_by(&scene, "it", "polling"));
        news(&scene, "it 3\n");
        assert_eq!(told(&scene), 1, "said once, not at every look");
        assert!(is_by(&scene, "near_file", "events"));
        within(&scene.exporter, &USER[..1], &limit("watches", 1000));
        until("events are back", || is_by(&scene, "it", "events"));
        news(&scene, "it 4\n");
        (Outcome::good(took), ())
    });
}

/// More events than the kernel keeps: the exporter is stopped while they happen.
fn overflow(scene: &Scene) {
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let most: usize = most.trim().parse().unwrap();
    let other = scene.folder().join("it/other");
    // Each time it is created, opened, closed and deleted.
    for _ in 0..=most / 4 {
        drop(fs::File::create(&other).unwrap());
        fs::remove_file(&other).unwrap();
    }
}

#[test]
fn loses_events_when_its_queue_overflows() {
    let scene = Scene::start(|folder| file(folder, "1h"));
    until("it is served", || scene.is_good());
    scene.exporter.signal("STOP");
    overflow(&scene);
    PromFile::new(scene.folder().join("it/it.prom"))
        .write(b"it 2\n")
        .unwrap();
    scene.exporter.signal("CONT");
    scene.meanwhile("inotify queue overflows", || {
        let began = Instant::now();
        until("what was lost is found", || {
            scene.exporter.scrape("it").text() == "it 2\n"
        });
        let took = began.elapsed();
        news(&scene, "it 3\n");
        (Outcome::good(took), ())
    });
}

/// Another directory with the number that one had which is gone.
fn reborn(directory: &Path) -> bool {
    let number = fs::metadata(directory).unwrap().ino();
    fs::remove_dir_all(directory).unwrap();
    for attempt in 0..100 {
        let next = directory.with_extension(attempt.to_string());
        fs::create_dir(&next).unwrap();
        if fs::metadata(&next).unwrap().ino() == number {
            fs::rename(next, directory).unwrap();
            return true;
        }
    }
    fs::create_dir(directory).unwrap();
    false
}

#[test]
fn loses_the_end_of_a_directory_when_its_queue_overflows() {
    let scene = Scene::start(|folder| file(folder, "1h"));
    until("it is served", || scene.is_good());
    scene.exporter.signal("STOP");
    overflow(&scene);
    // Nothing tells the new directory from the old one, which is watched no more.
    if !reborn(&scene.folder().join("it")) {
        println!("this file system gave the new directory another number");
    }
    PromFile::new(scene.folder().join("it/it.prom"))
        .write(b"it 2\n")
        .unwrap();
    scene.exporter.signal("CONT");
    scene.meanwhile("inotify loses the end of a directory", || {
        let began = Instant::now();
        until("what was lost is found", || {
            scene.exporter.scrape("it").text() == "it 2\n"
        });
        let took = began.elapsed();
        news(&scene, "it 3\n");
        news(&scene, "it 4\n");
        (Outcome::good(took), ())
    });
}
