//! Faults of inotify: the selector polls, reports it, and returns to events when they are available.

mod overflow;

use super::scene::{GOOD, Outcome, Scene, TIMEOUT};
use crate::namespaces::{after, within};
use crate::support::{quoted, until};
use local_exporter_daemons::promfile::PromFile;
use std::fs;
use std::path::Path;
use std::time::Instant;

const USER: [&str; 2] = ["--user", "--map-root-user"];

/// The configuration of a selector `it` with a valid file in its own directory.
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

/// Whether `/metrics` and `/debug/actors` report this mode of noticing changes.
pub fn is_by(scene: &Scene, selector: &str, mode: &str) -> bool {
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
    let reported = scene.exporter.actor(selector)["cache"]["watch"] == mode;
    reported && series(mode) == Some(1.0) && series(other) == Some(0.0)
}

/// Writes to the file of `it` and waits until the new body is served.
fn change(scene: &Scene, text: &str) {
    let file = PromFile::new(scene.folder().join("it/it.prom"));
    file.write(text.as_bytes()).unwrap();
    until(text, || scene.exporter.scrape("it").text() == text);
}

/// How often it was logged that `it` has no events.
fn warnings(scene: &Scene) -> usize {
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
    // The inotify instance that is finally created, and the descriptor that waits for its events.
    // Before the timer fires, the refused operation is tried again.
    let scene =
        Scene::start_as(command, "100ms", |folder| file(folder, "1h")).with_extra_descriptors(3);
    until("the selector polls", || is_by(&scene, "it", "polling"));
    scene.meanwhile("no inotify instances left", || {
        let began = Instant::now();
        change(&scene, "it 2\n");
        let took = began.elapsed();
        assert_eq!(warnings(&scene), 1, "logged once, not at every attempt");
        within(&scene.exporter, &USER[..1], &limit("instances", 128));
        until("the selector receives events again", || {
            is_by(&scene, "it", "events")
        });
        change(&scene, "it 3\n");
        (Outcome::good(took), ())
    });
}

#[test]
fn has_no_watches_left() {
    let Some(command) = after("true", &[], &USER) else {
        return;
    };
    let scene = Scene::start_as(command, "1h", |folder| file(folder, "1h"));
    until("the selector receives events", || {
        is_by(&scene, "it", "events")
    });
    scene.meanwhile("no inotify watches left", || {
        within(&scene.exporter, &USER[..1], &limit("watches", 1));
        let directory = scene.folder().join("it");
        // Another directory needs its own watch.
        fs::rename(&directory, scene.folder().join("before")).unwrap();
        fs::create_dir(&directory).unwrap();
        let began = Instant::now();
        change(&scene, "it 2\n");
        let took = began.elapsed();
        until("the selector polls", || is_by(&scene, "it", "polling"));
        change(&scene, "it 3\n");
        assert_eq!(warnings(&scene), 1, "logged once, not at every attempt");
        assert!(is_by(&scene, "near_file", "events"));
        within(&scene.exporter, &USER[..1], &limit("watches", 1000));
        until("the selector receives events again", || {
            is_by(&scene, "it", "events")
        });
        change(&scene, "it 4\n");
        (Outcome::good(took), ())
    });
}

#[test]
fn has_more_directories_than_are_watched() {
    const MOST: usize = 1024;
    let directory = |folder: &Path, number: usize| folder.join(format!("it/{number:04}"));
    let scene = Scene::start(|folder| {
        for number in 0..=MOST {
            fs::create_dir_all(directory(folder, number)).unwrap();
        }
        fs::write(directory(folder, MOST).join("it.prom"), GOOD).unwrap();
        let path = quoted(&folder.join("it/*/it.prom"));
        format!(
            "[bridge.selectors.it]\nkind = \"file\"\npath = {path}\nrefresh = \"100ms\"\n\
             timeout = \"{TIMEOUT:?}\"\n"
        )
    });
    let write = |text: &str| {
        let last = directory(scene.folder(), MOST).join("it.prom");
        PromFile::new(last).write(text.as_bytes()).unwrap();
        until(text, || scene.exporter.scrape("it").text() == text);
    };
    until("the selector polls", || is_by(&scene, "it", "polling"));
    scene.meanwhile("more directories than are watched", || {
        let began = Instant::now();
        write("it 2\n");
        let took = began.elapsed();
        assert_eq!(warnings(&scene), 1, "logged once, not at every attempt");
        for number in 0..MOST {
            fs::remove_dir(directory(scene.folder(), number)).unwrap();
        }
        until("the selector receives events again", || {
            is_by(&scene, "it", "events")
        });
        write("it 3\n");
        (Outcome::good(took), ())
    });
}
