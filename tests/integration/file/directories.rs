//! Changes of directories, links and patterns are noticed.

use super::{NO_TIMER, exporter, fails, serves};
use crate::support::until;
use local_exporter_daemons::promfile::PromFile;
use std::path::PathBuf;

#[test]
fn a_watched_directory_may_be_removed_and_created_again() {
    let folder = tempfile::tempdir().unwrap();
    let public = folder.path().join("daemon1/public");
    let exporter = exporter(
        folder.path(),
        &["daemon1/public/metrics.prom".into()],
        NO_TIMER,
    );
    let file = public.join("metrics.prom");
    for round in 0..5 {
        std::fs::create_dir_all(&public).unwrap();
        let body = format!("round {round}\n");
        std::fs::write(&file, &body).unwrap();
        serves(&exporter, body.as_bytes());
        if round % 2 == 0 {
            std::fs::remove_dir_all(folder.path().join("daemon1")).unwrap();
        } else {
            let aside = folder.path().join(format!("aside{round}"));
            std::fs::rename(&public, aside).unwrap();
        }
        fails(&exporter, "absent");
    }
    let actor = exporter.actor("it");
    assert_eq!(
        (&actor["restarts"], &actor["cache"]["watch"]),
        (&0.into(), &"events".into())
    );
}

/// Several paths to one directory: one of them is removed or changed, one is the directory itself.
#[test]
fn several_paths_to_one_directory_all_receive_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| {
        std::fs::write(at("next"), text).unwrap();
        std::fs::rename(at("next"), at(name)).unwrap();
    };
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, at("next")).unwrap();
        std::fs::rename(at("next"), at(name)).unwrap();
    };
    std::fs::create_dir_all(at("blue/sub")).unwrap();
    std::fs::create_dir_all(at("green/sub")).unwrap();
    for side in ["blue", "green"] {
        write(&format!("{side}/x.prom"), "x 0\n");
        write(&format!("{side}/sub/z.prom"), "z 0\n");
    }
    write("blue/y.prom", "y 0\n");
    link("blue", "live");
    link("live/x.prom", "x.prom");
    link("live/sub/z.prom", "z.prom");
    let paths = ["x.prom", "z.prom", "blue/y.prom"].map(PathBuf::from);
    let exporter = exporter(folder.path(), &paths, NO_TIMER);
    let mut round = 0;
    let mut all_changes_are_served = |side: &str| {
        round += 1;
        for (file, name) in [
            (format!("{side}/x.prom"), 'x'),
            (format!("{side}/sub/z.prom"), 'z'),
            ("blue/y.prom".into(), 'y'),
        ] {
            let text = format!("{name} {round}\n");
            write(&file, &text);
            until(&text, || exporter.scrape("it").text().contains(&text));
        }
    };
    all_changes_are_served("blue");
    for (target, side) in [
        ("green", "green"),
        ("blue", "blue"),
        ("blue", "blue"),
        ("nowhere", "blue"),
    ] {
        link(target, "live");
        if target == "nowhere" {
            until("x is no longer served", || {
                !exporter.scrape("it").text().contains("x ")
            });
            link("blue", "live");
        }
        all_changes_are_served(side);
    }
    std::fs::rename(at("live"), at("aside")).unwrap();
    std::fs::rename(at("aside"), at("live")).unwrap();
    all_changes_are_served("blue");
    assert_eq!(exporter.actor("it")["cache"]["watch"], "events");
}

#[test]
fn many_links_do_not_displace_the_watches_of_configured_directories() {
    let folder = tempfile::tempdir().unwrap();
    for directory in ["behind", "links", "beside"] {
        std::fs::create_dir(folder.path().join(directory)).unwrap();
    }
    for number in 0..1100 {
        let file = folder.path().join(format!("behind/{number}"));
        std::fs::write(&file, format!("behind{number} 1\n")).unwrap();
        let link = folder.path().join(format!("links/{number}.prom"));
        std::os::unix::fs::symlink(file, link).unwrap();
    }
    let file = PromFile::new(folder.path().join("beside/it.prom"));
    file.write(b"beside 1\n").unwrap();
    let paths = ["links".into(), "beside/it.prom".into()];
    let exporter = exporter(folder.path(), &paths, NO_TIMER);
    let serves = |text: &str| until(text, || exporter.scrape("it").text().contains(text));
    serves("beside 1\n");
    file.write(b"beside 2\n").unwrap();
    serves("beside 2\n");
    std::fs::write(folder.path().join("behind/7"), "behind7 2\n").unwrap();
    serves("behind7 2\n");
}

#[test]
fn a_config_map_swap_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let version = |name: &str, body: &str| {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("metrics.prom"), body).unwrap();
        let next = folder.path().join("..data_tmp");
        std::os::unix::fs::symlink(name, &next).unwrap();
        std::fs::rename(&next, folder.path().join("..data")).unwrap();
    };
    version("..1", "one 1\n");
    let link = folder.path().join("metrics.prom");
    std::os::unix::fs::symlink("..data/metrics.prom", link).unwrap();
    let exporter = exporter(folder.path(), &["metrics.prom".into()], NO_TIMER);
    serves(&exporter, b"one 1\n");
    version("..2", "two 2\n");
    serves(&exporter, b"two 2\n");
}

#[test]
fn a_pattern_with_a_plain_last_component_is_watched_too() {
    let folder = tempfile::tempdir().unwrap();
    for daemon in ["d1", "d2"] {
        let public = folder.path().join(daemon).join("public");
        std::fs::create_dir_all(&public).unwrap();
        std::fs::write(public.join("m.prom"), format!("{daemon} 1\n")).unwrap();
    }
    let exporter = exporter(folder.path(), &["*/public/m.prom".into()], NO_TIMER);
    serves(&exporter, b"d1 1\nd2 1\n");
    let second = PromFile::new(folder.path().join("d2/public/m.prom"));
    second.write(b"d2 2\n").unwrap();
    serves(&exporter, b"d1 1\nd2 2\n");
    second.remove().unwrap();
    serves(&exporter, b"d1 1\n");
    std::fs::remove_dir_all(folder.path().join("d1/public")).unwrap();
    fails(&exporter, "absent");
}
