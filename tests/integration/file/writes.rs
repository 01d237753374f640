//! Every way of writing a file is noticed, and none delays other files.

use super::{NO_TIMER, exporter, fails, one_file, serves};
use crate::clients::connection::Connection;
use crate::support::{Exporter, quoted, until};
use local_exporter_daemons::promfile::PromFile;
use std::io::Write;
use std::path::Path;

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
    let exporter = exporter(folder.path(), &["".into()], ", refresh = \"2s\"");
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
