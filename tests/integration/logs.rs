//! Log lines: levels and keys.

use crate::serving::Serving;
use crate::support::{get, program, until};

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
