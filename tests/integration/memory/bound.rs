//! The memory bound of `docs/src/limits.md`, enforced by a control group.

use crate::support::{Exporter, quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use local_exporter_skip::skip;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const KIBIBYTE: u64 = 1 << 10;
const MEBIBYTE: u64 = 1 << 20;

/// The terms of the formula.
const PROCESS: u64 = 24 * MEBIBYTE;
const CONNECTION: u64 = 130 * KIBIBYTE;
const SELECTOR: u64 = 2 * MEBIBYTE;
const UNREAD: u64 = 8 * MEBIBYTE;
const SEND_BUFFER: u64 = MEBIBYTE / 2;

/// The number of clients that read no response.
const SILENT: u64 = 16;

/// A control group with a memory limit; removed on drop.
struct Group(PathBuf);

impl Group {
    /// `None` where none can be created.
    fn new(name: &str, limit: u64) -> Option<Self> {
        let name = format!("local-exporter-test-{name}-{}", std::process::id());
        let places = [
            (
                "/sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.memsw.limit_in_bytes",
            ),
            ("/sys/fs/cgroup", "memory.max", "memory.swap.max"),
        ];
        for (root, file, swap) in places {
            let group = Self(Path::new(root).join(&name));
            if fs::create_dir(&group.0).is_err() {
                continue;
            }
            if fs::write(group.0.join(file), limit.to_string()).is_ok() {
                // Absent without accounting of swap.
                let _ = fs::write(
                    group.0.join(swap),
                    match root {
                        "/sys/fs/cgroup" => "0".to_owned(),
                        _ => limit.to_string(),
                    },
                );
                return Some(group);
            }
        }
        skip("no control group with a memory limit can be created here");
        None
    }

    /// A wrapper that moves itself into the group and executes its arguments.
    fn exporter(&self, config: &str) -> Exporter {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "echo $$ > \"$1/cgroup.procs\" && shift && exec \"$@\"",
            "sh",
        ]);
        command
            .arg(&self.0)
            .arg(crate::support::program().get_program());
        Exporter::start_as(command, config)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Sparse files, links to one of them, and a file that is joined with one of long names.
fn adversarial_files(folder: &Path) {
    for number in 0..40 {
        let file = File::create(folder.join(format!("sparse{number}.prom"))).unwrap();
        file.set_len(16 * MEBIBYTE).unwrap();
        symlink(
            folder.join("big.prom"),
            folder.join(format!("link{number}.prom")),
        )
        .unwrap();
    }
    let line = |number: usize| format!("family_with_a_name_{number} {number}\n");
    fs::write(
        folder.join("big.prom"),
        (0..80_000).map(line).collect::<String>(),
    )
    .unwrap();
    fs::write(folder.join("a.prom"), "a 1\n").unwrap();
    let long = "a".to_owned() + &"_".repeat(100_000) + " 1\n";
    fs::write(folder.join("long.prom"), long).unwrap();
}

/// A client that requests the largest body and does not read it.
fn never_reads(exporter: &Exporter) -> TcpStream {
    let mut client = TcpStream::connect(exporter.address()).unwrap();
    let request = b"GET /bridge?selector=files HTTP/1.1\r\nHost: it\r\n\r\n";
    client.write_all(request).unwrap();
    client
}

#[test]
fn the_process_stays_within_the_formula() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    adversarial_files(&files);
    let socket = folder.path().join("sock");
    let flood = b"a 1\n".repeat(usize::try_from(8 * MEBIBYTE).unwrap() / 4);
    let _daemon = ScriptedDaemon::start(&socket, Behaviour::Serve(flood)).unwrap();
    let (connections, max_bytes) = (64, 4 * MEBIBYTE);
    let selectors = 2 * SELECTOR + (6 + 4) * max_bytes;
    let unread = UNREAD + SILENT * SEND_BUFFER;
    let limit = PROCESS + connections * CONNECTION + selectors + unread;
    let Some(group) = Group::new("bound", limit) else {
        return;
    };
    let exporter = group.exporter(&format!(
        "max_connections = {connections}\nmax_unread = \"{UNREAD}B\"\n\
         [bridge.defaults]\nmax_bytes = \"{max_bytes}B\"\nrefresh = \"50ms\"\ntimeout = \"10s\"\n\
         [bridge.selectors]\nfiles = {}\n\
         [bridge.selectors.flood]\nkind = \"uds\"\npath = {}\n",
        quoted(&files),
        quoted(&socket),
    ));
    assert!(
        !exporter
            .log()
            .iter()
            .any(|line| line.contains("control group"))
    );
    until("the files are served", || {
        exporter.scrape("files").status == 200
    });
    let silent: Vec<TcpStream> = (0..SILENT).map(|_| never_reads(&exporter)).collect();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for round in 0..10 {
                    exporter
                        .scrape("flood")
                        .assert_error(502, "flood", "too_large");
                    // The joined body changes.
                    fs::write(files.join("a.prom"), format!("a {round}\n")).unwrap();
                    let _ = exporter.get("/debug/actors");
                }
            });
        }
    });
    drop(silent);
    let status = fs::read_to_string(format!("/proc/{}/status", exporter.process())).unwrap();
    assert!(status.contains("VmHWM:"), "the process was killed");
    until("the files are served", || {
        exporter.scrape("files").status == 200
    });
}

#[test]
fn a_configuration_that_can_exceed_the_control_group_is_reported() {
    let Some(group) = Group::new("warning", 96 * MEBIBYTE) else {
        return;
    };
    let reported = |max_bytes: &str| {
        let exporter = group.exporter(&format!(
            "max_connections = 16\n\
             [bridge.selectors.it]\nkind = \"uds\"\npath = \"/nowhere\"\nmax_bytes = \"{max_bytes}\"\n"
        ));
        until("it serves", || exporter.get("/-/ready").status == 200);
        let log = exporter.log();
        let line = log
            .iter()
            .find(|line| line.contains("control group limits memory"));
        line.is_some_and(|line| line.contains("\"limit\":\"96.0 MiB\""))
    };
    assert!(reported("32MiB"));
    assert!(!reported("1MiB"));
}
