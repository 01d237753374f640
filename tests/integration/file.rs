//! Kind `file`: the cache follows every change of the files.

use crate::clients::connection::Connection;
use crate::support::{Exporter, exposition, quoted, until};
use local_exporter_daemons::promfile::PromFile;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A refresh timer that never fires during a test: every change is noticed through events.
const NO_TIMER: &str = ", refresh = \"1h\"";

fn exporter(folder: &Path, paths: &[PathBuf], more: &str) -> Exporter {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| quoted(&folder.join(path)))
        .collect();
    let paths = paths.join(", ");
    Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = [{paths}]{more} }}\n"
    ))
}

fn one_file(more: &str) -> (Exporter, PromFile, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = PromFile::new(folder.path().join("metrics.promfile"));
    let exporter = exporter(folder.path(), &["metrics.promfile".into()], more);
    (exporter, file, folder)
}

#[track_caller]
fn serves(exporter: &Exporter, body: &[u8]) {
    let what = String::from_utf8_lossy(body).into_owned();
    until(&what, || exporter.scrape("it").body == body);
}

#[track_caller]
fn fails(exporter: &Exporter, reason: &str) {
    until(reason, || exporter.scrape("it").status != 200);
    exporter.scrape("it").assert_error(502, "it", reason);
}

#[test]
fn the_bytes_are_those_of_the_file_and_carry_their_age() {
    let (exporter, file, _folder) = one_file(NO_TIMER);
    let text = exposition()();
    file.write(&text).unwrap();
    serves(&exporter, &text);
    let reply = exporter.scrape("it");
    assert!(reply.header("age").unwrap().parse::<u64>().is_ok());
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let cache = &exporter.actor("it")["cache"];
    assert_eq!(cache["watch"], "events");
    assert!(cache["age_seconds"].as_f64() >= Some(0.0));
    assert!(cache["mtime"].as_str().unwrap().starts_with("20"));
    let mtime = exporter.metric("local_exporter_file_mtime_timestamp_seconds{selector=\"it\"}");
    let modified = file.path().metadata().unwrap().modified().unwrap();
    let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!((mtime.unwrap() - modified.as_secs_f64()).abs() < 0.001);
}

#[test]
fn every_way_of_writing_is_noticed_without_the_timer() {
    let (exporter, file, folder) = one_file(NO_TIMER);
    fails(&exporter, "absent");
    file.write(b"renamed 1\n").unwrap();
    serves(&exporter, b"renamed 1\n");
    file.write(b"renamed 2\n").unwrap();
    serves(&exporter, b"renamed 2\n");
    file.write_in_place(b"in_place 1\n").unwrap();
    serves(&exporter, b"in_place 1\n");

    // A half-written rewrite in place is not served: the old body is, until the writer closes.
    file.write_by_halves(b"by_halves 1\nby_halves 2\n", || {
        for _ in 0..20 {
            assert_eq!(exporter.scrape("it").body, b"in_place 1\n");
        }
    })
    .unwrap();
    serves(&exporter, b"by_halves 1\nby_halves 2\n");

    let other = folder.path().join("elsewhere");
    std::fs::write(&other, "linked 1\n").unwrap();
    file.remove().unwrap();
    fails(&exporter, "absent");
    std::fs::hard_link(&other, file.path()).unwrap();
    serves(&exporter, b"linked 1\n");
    file.remove().unwrap();
    fails(&exporter, "absent");
    std::os::unix::fs::symlink(&other, file.path()).unwrap();
    serves(&exporter, b"linked 1\n");
    changes_behind_a_link_are_noticed(&exporter, &other);
    assert_eq!(exporter.actor("it")["restarts"], 0);
}

fn changes_behind_a_link_are_noticed(exporter: &Exporter, file: &Path) {
    let replace = |text: &str| {
        let next = file.with_file_name("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(next, file).unwrap();
    };
    replace("behind 1\n");
    serves(exporter, b"behind 1\n");
    std::fs::remove_file(file).unwrap();
    fails(exporter, "absent");
    replace("behind 2\n");
    serves(exporter, b"behind 2\n");
    // A half-written rewrite behind a link is not served either.
    let mut writer = std::fs::File::create(file).unwrap();
    writer.write_all(b"half 1\n").unwrap();
    for _ in 0..20 {
        assert_eq!(exporter.scrape("it").body, b"behind 2\n");
    }
    writer.write_all(b"half 2\n").unwrap();
    drop(writer);
    serves(exporter, b"half 1\nhalf 2\n");
}

#[test]
fn a_file_is_read_soon_after_a_shortage_of_descriptors() {
    let (exporter, file, _folder) = one_file(", refresh = \"1h\", keep_last_good = \"0s\"");
    file.write(b"one 1\n").unwrap();
    serves(&exporter, b"one 1\n");
    let process = rustix::process::Pid::from_raw(exporter.process().try_into().unwrap());
    let limit = |most| {
        let limit = rustix::process::Rlimit {
            current: Some(most),
            maximum: Some(1024),
        };
        let resource = rustix::process::Resource::Nofile;
        rustix::process::prlimit(process, resource, limit).unwrap();
    };
    // Open descriptors stay open, including this connection, and no further one can be opened.
    let mut kept = Connection::open(exporter.address());
    let mut scrape = || {
        kept.request("/bridge?selector=it");
        kept.reply()
    };
    assert_eq!(scrape().body, b"one 1\n");
    limit(3);
    file.write(b"two 2\n").unwrap();
    until("the file cannot be read", || scrape().status == 502);
    assert!(scrape().text().contains("Too many open files"));
    limit(1024);
    serves(&exporter, b"two 2\n");
}

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

#[test]
fn the_timer_finds_changes_without_events() {
    // Directories further up are not watched.
    let folder = tempfile::tempdir().unwrap();
    let release = |name: &str| {
        let public = folder.path().join(name).join("public");
        std::fs::create_dir_all(&public).unwrap();
        std::fs::write(public.join("it.prom"), format!("{name} 1\n")).unwrap();
        std::os::unix::fs::symlink(name, folder.path().join("next")).unwrap();
        std::fs::rename(folder.path().join("next"), folder.path().join("current")).unwrap();
    };
    release("one");
    let exporter = exporter(
        folder.path(),
        &["current/public/it.prom".into()],
        ", refresh = \"100ms\"",
    );
    serves(&exporter, b"one 1\n");
    release("two");
    serves(&exporter, b"two 1\n");
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
fn lists_directories_and_patterns_form_one_source_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("many")).unwrap();
    std::fs::write(at("z.text"), "z 1\n").unwrap();
    std::fs::write(at("many/b.prom"), "b 1").unwrap();
    std::fs::write(at("many/a.promfile"), "a 1\n").unwrap();
    std::fs::write(at("many/ignored.txt"), "ignored 1\n").unwrap();
    let paths = ["z.text".into(), "many".into(), "late*/c.prom".into()];
    let exporter = exporter(folder.path(), &paths, NO_TIMER);
    serves(&exporter, b"z 1\na 1\nb 1\n");
    until("the skipped file is reported", || {
        let skipped = &exporter.actor("it")["cache"]["passed_over"];
        skipped[0]["why"] == "its name matches no pattern"
    });
    std::fs::remove_file(at("many/a.promfile")).unwrap();
    serves(&exporter, b"z 1\nb 1\n");
    std::fs::create_dir(at("later")).unwrap();
    std::fs::write(at("later/c.prom"), "c 1\n").unwrap();
    serves(&exporter, b"z 1\nb 1\nc 1\n");
    std::fs::remove_dir_all(at("later")).unwrap();
    serves(&exporter, b"z 1\nb 1\n");
}

#[test]
fn two_selectors_may_use_one_directory_by_two_paths() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", folder.path().join("alias")).unwrap();
    let path = |path: &str| quoted(&folder.path().join(path));
    let exporter = Exporter::start(&format!(
        "[bridge.selectors]\n\
         one = {{ kind = \"file\", path = {}, refresh = \"1h\" }}\n\
         two = {{ kind = \"file\", path = {}, refresh = \"1h\" }}\n",
        path("real/m.prom"),
        path("alias/m.prom"),
    ));
    let file = PromFile::new(folder.path().join("real/m.prom"));
    for round in 0..3 {
        let body = format!("round {round}\n").into_bytes();
        file.write(&body).unwrap();
        for selector in ["one", "two"] {
            until(selector, || exporter.scrape(selector).body == body);
        }
    }
}

#[test]
fn a_file_that_is_never_closed_does_not_delay_others() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("a.prom"), "a 1\n").unwrap();
    std::fs::write(at("b.prom"), "b 1\n").unwrap();
    std::fs::write(at("z.prom"), "z 1\n").unwrap();
    let exporter = exporter(folder.path(), &["".into()], NO_TIMER);
    serves(&exporter, b"a 1\nb 1\nz 1\n");

    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut open = std::fs::File::create(at("z.prom")).unwrap();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                open.write_all(b"z").unwrap();
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
        });
        until("the file is being written", || {
            at("z.prom").metadata().unwrap().len() > 4
        });
        // Other files are added and removed at once; the last good body of the open file is served.
        std::fs::remove_file(at("b.prom")).unwrap();
        serves(&exporter, b"a 1\nz 1\n");
        PromFile::new(at("a.prom")).write(b"a 2\n").unwrap();
        serves(&exporter, b"a 2\nz 1\n");
        // When the write takes too long, the file is read as it is, and is invalid.
        until("the file is checked", || {
            let files = exporter.actor("it")["cache"]["files"].to_string();
            files.contains("truncated")
        });
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    PromFile::new(at("z.prom")).write(b"z 2\n").unwrap();
    serves(&exporter, b"a 2\nz 2\n");
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
