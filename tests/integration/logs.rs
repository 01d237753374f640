//! Log lines: levels and keys.

use crate::serving::Serving;
use crate::support::{get, program, quoted, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;

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
fn a_level_excludes_less_severe_events() {
    let levels = |level: &str| {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("sock");
        let address = format!("--web.listen-address=unix:{}", socket.display());
        let mut serving = Serving::start(program(), &[&address, "--log.level", level], "");
        until("the exporter listens", || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        });
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
