//! The pages other than the bridge, the log, and shutdown.

use crate::support::{Exporter, quoted, raw, until};
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn without_a_selector_it_starts_logs_it_once_and_the_landing_page_shows_how_to_add_one() {
    let exporter = Exporter::start("");
    assert_eq!(exporter.get("/-/healthy").status, 200);
    until("the exporter is ready", || {
        exporter.get("/-/ready").status == 200
    });
    let page = exporter.get("/");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        page.text().contains("No selector is configured"),
        "{}",
        page.text()
    );
    assert!(
        page.text().contains("[bridge.selectors]"),
        "{}",
        page.text()
    );
    assert_eq!(
        exporter.get("/debug/actors").text(),
        "{\n  \"actors\": []\n}\n"
    );
    let logged = exporter
        .log()
        .iter()
        .filter(|line| line.contains("no selector"))
        .count();
    assert_eq!(logged, 1);
}

#[test]
fn the_landing_page_escapes_the_names_of_selectors() {
    let exporter = Exporter::start(
        "[bridge.selectors]\n\"<b>&\\\"ü x\" = { kind = \"uds\", path = \"/nowhere/<i>\" }\n",
    );
    let page = exporter.get("/").text();
    assert!(
        page.contains("href=\"bridge?selector=%3Cb%3E%26%22%C3%BC+x\""),
        "{page}"
    );
    assert!(!page.contains("<b>") && !page.contains("<i>"), "{page}");
    let reply = exporter.get("/bridge?selector=%3Cb%3E%26%22%C3%BC+x");
    reply.assert_error(502, "<b>&\"ü x", "absent");
    for link in ["metrics", "debug/actors", "config", "-/healthy", "-/ready"] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}");
        assert_eq!(exporter.get(&format!("/{link}")).status, 200, "{link}");
    }
}

#[test]
fn promtool_accepts_the_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.prom");
    std::fs::write(&file, "a 1\n").unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors]\ngood = {{ kind = \"file\", path = {} }}\n\
         bad = {{ kind = \"uds\", path = \"/nowhere/sock\" }}\n",
        quoted(&file)
    ));
    until("the file is served", || {
        exporter.scrape("good").status == 200
    });
    exporter.scrape("bad").assert_error(502, "bad", "absent");
    exporter.get("/bridge");
    let metrics = exporter.get("/metrics");
    assert_eq!(
        metrics.header("content-type"),
        Some("text/plain; version=0.0.4")
    );
    for family in [
        "local_exporter_build_info{",
        "local_exporter_bridge_scrapes_total{selector=\"bad\"} 1",
        "local_exporter_bridge_scrape_failures_total{reason=\"absent\",selector=\"bad\"} 1",
        "local_exporter_bridge_scrape_duration_seconds_count{selector=\"bad\"} 1",
        "local_exporter_bridge_rejected_requests_total{reason=\"missing_selector\"} 1",
        "local_exporter_source_up{selector=\"good\"} 1",
        "local_exporter_source_up{selector=\"bad\"} 0",
        "local_exporter_source_body_bytes{selector=\"good\"} 4",
        "local_exporter_source_last_success_timestamp_seconds{selector=\"good\"}",
        "local_exporter_file_mtime_timestamp_seconds{selector=\"good\"}",
        "local_exporter_actor_restarts_total{selector=\"good\"} 0",
        "local_exporter_actor_state{selector=\"good\",state=\"running\"} 1",
        "process_resident_memory_bytes",
        "process_open_fds",
    ] {
        assert!(
            metrics.text().contains(family),
            "{family} is not in\n{}",
            metrics.text()
        );
    }

    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing: run .ci/packages, or install Prometheus");
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(&metrics.body)
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && text.is_empty(), "{text}");
}

#[test]
fn the_debug_page_lists_actors_in_the_order_of_the_configuration() {
    let exporter = Exporter::start(
        "[bridge.selectors]\nzeta = \"/nowhere/z\"\nalpha = { kind = \"uds\", path = \"/nowhere/a\" }\n\
         [bridge.selectors.mid]\nkind = \"file\"\npath = \"/nowhere/m\"\n",
    );
    let reply = exporter.get("/debug/actors");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let page: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let actors = page["actors"].as_array().unwrap();
    let order: Vec<_> = actors
        .iter()
        .map(|actor| actor["selector"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["zeta", "alpha", "mid"]);
    let keys = [
        "selector",
        "kind",
        "source",
        "state",
        "restarts",
        "resting_for_seconds",
        "in_flight",
        "oldest_in_flight_seconds",
        "scrapes",
        "failures",
        "last_success",
        "last_error",
        "body_bytes",
        "cache",
    ];
    for actor in actors {
        let found: Vec<_> = actor.as_object().unwrap().keys().collect();
        assert_eq!(found.len(), keys.len());
        assert!(keys.iter().all(|key| actor.get(key).is_some()), "{actor}");
    }
}

/// Sends a signal while a scrape waits for a daemon: the response, and the duration of the shutdown.
fn stop_during_a_scrape(signal: &str, behaviour: Behaviour, more: &str) -> (String, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let daemon = ScriptedDaemon::start(&socket, behaviour).unwrap();
    let mut exporter = Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"uds\", path = {}{more} }}\n",
        quoted(&socket)
    ));
    let address = exporter.address().to_owned();
    let request = "GET /bridge?selector=it HTTP/1.1\r\nHost: x\r\n\r\n";
    let client = std::thread::spawn(move || raw(&address, request));
    until("the scrape is in flight", || daemon.open() == 1);
    let began = Instant::now();
    exporter.signal(signal);
    assert_eq!(exporter.ended().code(), Some(0), "{signal}");
    let took = began.elapsed();
    (client.join().unwrap(), took)
}

/// Container engines send SIGKILL after 10 s.
const STOP_BOUND: Duration = Duration::from_secs(10);

#[test]
fn shutdown_completes_scrapes_in_progress_within_its_bound() {
    for signal in ["TERM", "INT"] {
        let late = Behaviour::RespondLate {
            delay: Duration::from_millis(700),
            bytes: b"late 1\n".to_vec(),
        };
        let (response, took) = stop_during_a_scrape(signal, late, "");
        assert!(response.ends_with("late 1\n"), "{signal}: {response}");
        assert!(took < STOP_BOUND, "{took:?}");
    }
}

#[test]
fn shutdown_does_not_wait_for_a_daemon_that_hangs() {
    let hang = Behaviour::HangAfterAccept;
    let (response, took) = stop_during_a_scrape("TERM", hang, ", timeout = \"10m\"");
    assert!(took < STOP_BOUND, "{took:?}");
    assert!(!response.contains("200 OK"), "{response}");
}

#[test]
fn invalid_requests_are_no_errors_in_the_log_and_no_line_has_a_build_path() {
    let folder = tempfile::tempdir().unwrap();
    let public = folder.path().join("public");
    std::fs::create_dir(&public).unwrap();
    std::fs::write(public.join("m.prom"), "a 1\n").unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge.selectors]\nit = {{ kind = \"file\", path = {} }}\n",
        quoted(&public)
    ));
    until("the file is served", || exporter.scrape("it").status == 200);
    for request in [
        "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "\u{16}\u{3}\u{1} hello\r\n\r\n",
    ] {
        let _ = raw(exporter.address(), request);
    }
    std::fs::remove_dir_all(&public).unwrap();
    until("scrapes fail", || exporter.scrape("it").status == 502);
    std::fs::create_dir(&public).unwrap();
    std::fs::write(public.join("m.prom"), "a 1\n").unwrap();
    until("scrapes succeed again", || {
        exporter.scrape("it").status == 200
    });
    until("the recovery is logged", || {
        exporter
            .log()
            .iter()
            .any(|line| line.contains("source recovered"))
    });
    for line in exporter.log() {
        assert!(
            !line.contains("\"level\":\"error\"") && !line.contains(".cargo"),
            "{line}"
        );
        assert!(!line.contains("Unable to remove the path"), "{line}");
    }
}
