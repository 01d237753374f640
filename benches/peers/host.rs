//! The machine and the versions that the figures apply to.

use crate::scene::{INSTALL, Scene};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

/// One paragraph, one list, and the missing programs.
pub(crate) fn description(scene: &Scene) -> String {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let memory: f64 = field("/proc/meminfo", "MemTotal:")
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .unwrap_or(0.0);
    let system = field("/etc/os-release", "PRETTY_NAME=").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_default();
    let mut text = format!(
        "Measured {} on {processors} × {}, {:.0} GiB, {}, Linux {}; {} rounds of {} s a server. \
         Load average when it began: {} (a quiet machine has less than 1).\n\n",
        humantime::format_rfc3339_seconds(SystemTime::now()),
        processor.trim_start_matches([':', ' ']),
        memory / 1024.0 / 1024.0,
        system.trim_matches('"'),
        kernel.trim(),
        scene.rounds,
        scene.seconds,
        load.split(' ').next().unwrap_or_default(),
    );
    let programs = &scene.programs;
    let all = [
        ("local-exporter", Some(&scene.exporter), "--version"),
        ("nginx", programs.nginx.as_ref(), "-v"),
        (
            "node_exporter",
            programs.node_exporter.as_ref(),
            "--version",
        ),
        (
            "exporter_exporter",
            programs.exporter_exporter.as_ref(),
            "-version",
        ),
        ("socat", programs.socat.as_ref(), "-V"),
        ("dbus-daemon", programs.dbus_daemon.as_ref(), "--version"),
        ("wrk", Some(&programs.wrk), "-v"),
    ];
    for (name, path, option) in all {
        let version = path.map_or("skipped, not installed".to_owned(), |path| {
            version(path, option)
        });
        let _ = writeln!(text, "- {name}: {version}");
    }
    if all.iter().any(|(_, path, _)| path.is_none()) {
        let _ = writeln!(text, "\nTo install what is missing: `{INSTALL}`.");
    }
    text
}

/// The rest of the first line of a file with this prefix.
fn field(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(rest.trim().to_owned())
}

/// The first line with a number that the program prints about itself, on either stream.
fn version(program: &Path, option: &str) -> String {
    let Ok(output) = Command::new(program).arg(option).output() else {
        return "cannot be started".to_owned();
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text
        .lines()
        .find(|line| line.contains(|c: char| c.is_ascii_digit()));
    line.unwrap_or("of unknown version").trim().to_owned()
}
