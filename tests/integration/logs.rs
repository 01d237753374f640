//! Log lines: levels and keys.

use crate::serving::Serving;
use crate::support::{PATIENCE, get, program, quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Instant;

const LOCAL: &[&str] = &["--web.listen-address", "127.0.0.1:0"];

#[test]
fn a_line_about_a_selector_has_its_name_as_a_key() {
    let config = "[bridge.selectors]\none = { kind = \"uds\", path = \"/nowhere/one\" }\n";
    let serving = Serving::start(program(), LOCAL, config);
    let url = format!("http://{}/bridge?selector=one", serving.address());
    assert_eq!(get(&url, &[]).status, 502);
    let event = &serving.logged("source failed", 1)[0];
    assert_eq!(event["level"], "warn");
    assert_eq!(event["selector"], "one");
    assert_eq!(event["reason"], "absent");
    assert!(event["error"].as_str().unwrap().contains("/nowhere/one"));
    assert!(event["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(event.as_object().unwrap().len(), 6, "{event}");
}

#[test]
fn startup_logs_version_configuration_listeners_and_confinement() {
    let config = "[bridge.selectors]\none = { kind = \"uds\", path = \"/nowhere/one\" }\n";
    let serving = Serving::start(program(), LOCAL, config);
    let starting = &serving.logged("starting", 1)[0];
    assert_eq!(starting["version"], env!("CARGO_PKG_VERSION"));
    let loaded = &serving.logged("configuration loaded", 1)[0];
    assert_eq!(loaded["selectors"], 1);
    assert!(
        loaded["files"].as_str().unwrap().ends_with(".toml"),
        "{loaded}"
    );
    assert_eq!(serving.logged("listening", 1)[0]["tls"], false);
    let about_confinement = |event: &serde_json::Value| {
        let text = event["msg"].as_str().unwrap();
        text.contains("confined") && event["level"] != "debug"
    };
    assert_eq!(
        serving
            .log()
            .iter()
            .filter(|event| about_confinement(event))
            .count(),
        1
    );
}

fn responds(socket: &Path) -> bool {
    let mut response = String::new();
    UnixStream::connect(socket).is_ok_and(|mut stream| {
        let request = b"GET /-/healthy HTTP/1.0\r\n\r\n";
        stream.write_all(request).is_ok()
            && stream.read_to_string(&mut response).is_ok_and(|it| it > 0)
    })
}

#[test]
fn a_level_excludes_less_severe_events() {
    let levels = |level: &str| {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("sock");
        let address = format!("--web.listen-address=unix:{}", socket.display());
        let mut serving = Serving::start(program(), &[&address, "--log.level", level], "");
        until("the exporter responds", || responds(&socket));
        serving.signal("TERM");
        assert_eq!(serving.ended().code(), Some(0));
        let events = serving.log();
        let level = |event: &serde_json::Value| event["level"].as_str().unwrap().to_owned();
        events.iter().map(level).collect::<Vec<_>>()
    };
    assert!(levels("error").is_empty());
    // There is no selector; and a program with fault injection warns of that.
    let expected = 1 + usize::from(cfg!(feature = "faults"));
    assert_eq!(levels("warn"), vec!["warn"; expected]);
    assert!(levels("debug").contains(&"debug".to_owned()));
}

#[test]
fn verbose_and_log_level_exclude_each_other() {
    let mut command = program();
    let output = command
        .args(["serve", "-v", "--log.level", "warn"])
        .output();
    assert_eq!(output.unwrap().status.code(), Some(2));
}

#[test]
fn sources_and_files_that_alternate_do_not_flood_the_log() {
    const CHANGES: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let (socket, files) = (folder.path().join("sock"), folder.path().join("files"));
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("good.prom"), "a 1\n").unwrap();
    let replace = |number: usize| {
        let text = ["} bad\n".to_owned(), format!("b {number}\n")];
        std::fs::write(folder.path().join("new"), &text[number % 2]).unwrap();
        std::fs::rename(folder.path().join("new"), files.join("bad.prom")).unwrap();
    };
    replace(0);
    let daemon = ScriptedDaemon::start(&socket, Behaviour::Garbage).unwrap();
    let config = format!(
        "[bridge.selectors]\n\
         one = {{ kind = \"uds\", path = {} }}\ntwo = {{ kind = \"file\", path = {} }}\n",
        quoted(&socket),
        quoted(&files)
    );
    let serving = Serving::start(program(), LOCAL, &config);
    let page = |path: &str| get(&format!("http://{}{path}", serving.address()), &[]);
    let series = "local_exporter_file_error{";
    for number in 1..=CHANGES {
        let (behaviour, status) = match number % 2 {
            0 => (Behaviour::Garbage, 502),
            _ => (Behaviour::Serve(b"a 1\n".to_vec()), 200),
        };
        daemon.set(behaviour).unwrap();
        assert_eq!(page("/bridge?selector=one").status, status);
        replace(number);
        until("the change of the file was noticed", || {
            let text = page("/metrics").text();
            let bad = text
                .lines()
                .find(|line| line.starts_with(series) && line.contains("bad.prom"));
            let expected = if number % 2 == 0 { " 1" } else { " 0" };
            bad.is_some_and(|line| line.ends_with(expected))
        });
    }
    let events = serving.log();
    for selector in ["one", "two"] {
        let lines = events.iter().filter(|event| event["selector"] == selector);
        let lines = lines.count();
        // The changes take less time than ten further lines would.
        assert!((5..=20).contains(&lines), "{selector}: {lines} lines");
    }
}

/// An exporter that logs much, and the pipe with its log, which is read until it listens.
fn with_pipe() -> (Child, BufReader<ChildStderr>, String) {
    let mut child = program()
        .args(["serve", "-vv", "--config", "/dev/null"])
        .args(LOCAL)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("msg=listening") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
    }
    let address = line.split("address=").nth(1).unwrap();
    let address = address.split_whitespace().next().unwrap().to_owned();
    (child, log, address)
}

/// Requests until lines were dropped, none of which is read.
fn fill(address: &str) -> f64 {
    let began = Instant::now();
    loop {
        assert_eq!(get(&format!("http://{address}/-/healthy"), &[]).status, 200);
        let metrics = get(&format!("http://{address}/metrics"), &[]);
        let dropped = metrics.metric("local_exporter_log_lines_dropped_total");
        if let Some(dropped) = dropped.filter(|dropped| *dropped >= 100.0) {
            return dropped;
        }
        assert!(began.elapsed() < PATIENCE, "{dropped:?} lines were dropped");
    }
}

fn terminate(child: &mut Child) -> Option<i32> {
    let process = child.id().to_string();
    let signal = Command::new("kill").arg(process).status();
    assert!(signal.unwrap().success());
    let mut ended = None;
    until("the exporter ends", || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    ended.unwrap().code()
}

#[test]
fn a_log_that_is_not_read_delays_neither_requests_nor_shutdown() {
    let (mut child, _unread, address) = with_pipe();
    fill(&address);
    assert_eq!(terminate(&mut child), Some(0));
}

#[test]
fn dropped_lines_are_reported_when_the_log_is_read_again() {
    let (mut child, mut log, address) = with_pipe();
    fill(&address);
    let mut line = String::new();
    while !line.contains("log lines were dropped") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
    }
    let lines = line.split(" lines=").nth(1).unwrap();
    assert!(lines.trim().parse::<f64>().unwrap() >= 100.0, "{line}");
    // The last lines are written before the process ends.
    let rest = std::thread::spawn(move || {
        let mut rest = String::new();
        log.read_to_string(&mut rest).unwrap();
        rest
    });
    assert_eq!(terminate(&mut child), Some(0));
    assert!(rest.join().unwrap().contains("msg=stopping"));
}

/// The pipe is full before the process writes its first line.
#[test]
fn a_log_that_is_full_at_startup_does_not_delay_it() {
    let script = "yes | dd bs=64k count=1 iflag=fullblock 2>/dev/null >&2; exec \"$@\"";
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let mut child = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(program().get_program())
        .args(["serve", "--config", "/dev/null", "--web.listen-address"])
        .arg(format!("unix:{}", socket.display()))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the exporter listens", || {
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    });
    assert_eq!(terminate(&mut child), Some(0));
}
