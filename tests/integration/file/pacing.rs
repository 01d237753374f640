//! Events that arrive faster than files can be read use a part of a core, and paths without end are an
//! error.

use crate::support::{Exporter, PATIENCE, quoted, until};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The share of a core that a source may use, with a margin above its quarter.
const MOST: f64 = 0.35;
/// How long files are renamed.
const STORM: Duration = Duration::from_secs(4);
/// 20 renames in a second.
const INTERVAL: Duration = Duration::from_millis(50);

fn serving(folder: &Path, path: &str) -> Exporter {
    let path = quoted(&folder.join(path));
    Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {path}, timeout = \"20s\" }}\n"
    ))
}

/// Replaces a file of the directory twenty times in a second, and asserts the cost of that.
#[track_caller]
fn renames_use_a_part_of_a_core(folder: &Path) {
    let replace = |number: usize| {
        fs::write(folder.join("next"), format!("moving {number}\n")).unwrap();
        fs::rename(folder.join("next"), folder.join("moving.prom")).unwrap();
    };
    replace(0);
    let exporter = serving(folder, "");
    until("the files are served", || {
        exporter.scrape("it").status == 200
    });
    let (began, before) = (Instant::now(), processor_seconds(&exporter));
    let mut renames = 0;
    while began.elapsed() < STORM {
        renames += 1;
        replace(renames);
        std::thread::park_timeout(INTERVAL);
    }
    let took = began.elapsed().as_secs_f64();
    let share = (processor_seconds(&exporter) - before) / took;
    println!("{renames} renames in {took:.1} s: {share:.2} of a core");
    assert!(share < MOST, "{share:.2} of a core");
    let last = format!("moving {renames}\n");
    until("the last version is served", || {
        exporter.scrape("it").text().contains(&last)
    });
}

#[test]
fn renames_beside_a_large_file_use_a_part_of_a_core() {
    let folder = tempfile::tempdir().unwrap();
    let line = |number: usize| format!("large{{number=\"{number}\"}} {number}\n");
    let text: String = (0..100_000).map(line).collect();
    fs::write(folder.path().join("large.prom"), text).unwrap();
    renames_use_a_part_of_a_core(folder.path());
}

#[test]
fn renames_beside_thousands_of_files_use_a_part_of_a_core() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..4000 {
        let file = folder.path().join(format!("f{number}.prom"));
        fs::write(file, format!("f{number} 1\n")).unwrap();
    }
    renames_use_a_part_of_a_core(folder.path());
}

#[test]
fn renames_among_tens_of_thousands_of_other_files_use_a_part_of_a_core() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..60_000 {
        fs::write(folder.path().join(format!("other{number}.txt")), "").unwrap();
    }
    renames_use_a_part_of_a_core(folder.path());
}

#[test]
fn a_pattern_through_links_to_its_own_directory_does_not_delay_responses() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.prom"), "x 1\n").unwrap();
    for number in 0..1200 {
        std::os::unix::fs::symlink(".", folder.path().join(format!("link{number}"))).unwrap();
    }
    let exporter = serving(folder.path(), "*/*/x.prom");
    let began = Instant::now();
    until("the file is served", || {
        let reply = exporter.scrape("it");
        assert_ne!(reply.status, 504, "{}", reply.text());
        reply.status == 200
    });
    assert!(began.elapsed() < PATIENCE / 2);
    assert_eq!(exporter.scrape("it").text(), "x 1\n");
    until("the pattern has an error", || {
        let files = exporter.actor("it")["cache"]["files"].to_string();
        files.contains("more than 4096 directories")
    });
}

/// The processor time that the process has used, `proc_pid_stat(5)`.
fn processor_seconds(exporter: &Exporter) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", exporter.process())).unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks = fields.skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}
