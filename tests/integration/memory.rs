//! Freed memory is returned to the system, no matter how the program was started.

mod bound;

use crate::support::{Exporter, quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::fs;

const MEBIBYTE: usize = 1 << 20;
/// The size of the largest bodies.
const LARGE: usize = 8 * MEBIBYTE;
/// What may remain resident after many of them: less than half of one.
const KEPT_KIB: u64 = 4 * 1024;
/// What may be resident at most, however large the files are.
const BOUND_KIB: u64 = 64 * 1024;
const CLIENTS: usize = 4;
const SCRAPES: usize = 5;

#[test]
fn memory_of_large_responses_is_released() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let body = b"a 1\n".repeat(LARGE / 4);
    let daemon = ScriptedDaemon::start(&socket, Behaviour::Serve(b"a 1\n".to_vec())).unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"uds\", path = {}, timeout = \"20s\" }}\n",
        quoted(&socket),
    ));
    let scrape_all = |expected: &[u8]| {
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    for _ in 0..SCRAPES {
                        assert!(exporter.scrape("it").body == expected);
                    }
                });
            }
        });
    };
    scrape_all(b"a 1\n");
    let before = resident_kib(&exporter);
    daemon.set(Behaviour::Serve(body.clone())).unwrap();
    scrape_all(&body);
    daemon.set(Behaviour::Serve(b"a 1\n".to_vec())).unwrap();
    scrape_all(b"a 1\n");
    until("their memory is released", || {
        resident_kib(&exporter) <= before + KEPT_KIB
    });
}

/// Files of 16 MiB that take no space on the disk, alone and behind links.
#[test]
fn memory_of_sparse_files_is_bounded_and_valid_files_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: String| folder.path().join(name);
    let sparse = |name: String| {
        let file = fs::File::create(at(name)).unwrap();
        file.set_len(2 * LARGE as u64).unwrap();
    };
    fs::write(at("a.prom".into()), "a 1\n").unwrap();
    fs::write(at("z.prom".into()), "z 1\n").unwrap();
    sparse("behind".into());
    for number in 0..60 {
        let link = at(format!("link{number}.prom"));
        std::os::unix::fs::symlink("behind", link).unwrap();
        sparse(format!("sparse{number}.prom"));
    }
    let exporter = serving(folder.path());
    until("valid files are served", || {
        exporter.scrape("it").text() == "a 1\nz 1\n"
    });
    let peak = status_kib(&exporter, "VmHWM:");
    assert!(peak < BOUND_KIB, "{peak} KiB");
}

/// Valid files whose contents are together many times larger than `max_bytes`.
#[test]
fn memory_of_valid_files_is_bounded_by_max_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for file in 0..20 {
        let line = |number: usize| format!("m{{file=\"{file}\",number=\"{number}\"}} 1\n");
        let text: String = (0..100_000).map(line).collect();
        fs::write(folder.path().join(format!("{file:02}.prom")), text).unwrap();
    }
    let exporter = serving(folder.path());
    until("the first files are served", || {
        let reply = exporter.scrape("it");
        reply.status == 200 && reply.text().contains("file=\"0\"")
    });
    let files = exporter.actor("it")["cache"]["files"].clone();
    let errors = files.as_array().unwrap().iter();
    let errors: Vec<_> = errors.map(|file| file["error"].to_string()).collect();
    let served = errors.iter().take_while(|error| *error == "null").count();
    assert!((3..8).contains(&served), "{errors:?}");
    let too_large = errors.iter().filter(|error| error.contains("too_large"));
    assert_eq!(served + too_large.count(), 20, "{errors:?}");
}

/// Joining needs at most four times the memory of the files, including the joined body, and the files themselves once.
#[test]
fn joining_many_short_names_needs_four_times_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let letters = || (b'a'..=b'z').chain(b'A'..=b'Z').map(char::from);
    let mut text = String::new();
    'full: for first in letters() {
        for second in letters() {
            for third in letters() {
                for fourth in letters() {
                    if text.len() + 8 > LARGE {
                        break 'full;
                    }
                    text.extend([first, second, third, fourth]);
                    text.push_str(" 1\n");
                }
            }
        }
    }
    fs::write(folder.path().join("a.prom"), &text).unwrap();
    fs::write(folder.path().join("b.prom"), "other 1\n").unwrap();
    let path = quoted(folder.path());
    let exporter = Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {path}, max_bytes = \"20MiB\", timeout = \"60s\" }}\n"
    ));
    let before = status_kib(&exporter, "VmHWM:");
    until("both files are served", || {
        let reply = exporter.scrape("it");
        reply.status == 200 && reply.body.len() == text.len() + "other 1\n".len()
    });
    let peak = status_kib(&exporter, "VmHWM:") - before;
    let files = u64::try_from(text.len() / 1024).unwrap();
    assert!(peak < 5 * files, "{peak} KiB for files of {files} KiB");
}

fn serving(folder: &std::path::Path) -> Exporter {
    let path = quoted(folder);
    Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {path} }}\n"
    ))
}

/// A second execution would be a time in which a signal ends the process.
#[test]
fn the_program_does_not_execute_itself_again() {
    let exporter = Exporter::start("");
    let environment = read(&exporter, "environ");
    let added = |variable: &&String| variable.contains("MALLOC") || variable.contains("REEXEC");
    assert_eq!(environment.iter().find(added), None);
}

fn resident_kib(exporter: &Exporter) -> u64 {
    status_kib(exporter, "VmRSS:")
}

/// A size in the status of the process, proc(5).
fn status_kib(exporter: &Exporter, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", exporter.process())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.unwrap().split_whitespace().next().unwrap();
    number.parse().unwrap()
}

/// The strings in one of the process' files in `/proc`, proc(5).
fn read(exporter: &Exporter, file: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{}/{file}", exporter.process())).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}
