//! The limits of connections, scrapes and descriptors.

use super::connection::Connection;
use super::{CLOSES, Scene};
use crate::support::{Exporter, until};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn idle_connections_are_evicted_for_new_ones() {
    let scene = Scene::start("max_connections = 20", "5s");
    let mut flood: Vec<_> = (0..200).map(|_| scene.connect()).collect();
    scene.assert_well();
    // The exporter closes evicted connections.
    until("the other scrapes have ended", || {
        let ended = flood.iter_mut().rev().map(Connection::has_ended);
        ended.filter(|ended| *ended).count() >= 180
    });
    assert!(scene.reached("max_connections") >= 180.0);
    let open = scene.exporter.metric("local_exporter_http_connections");
    assert!(open.unwrap() <= 20.0);
}

#[test]
fn while_all_connections_are_busy_pages_are_served_and_scrapes_are_refused() {
    let scene = Scene::start("max_connections = 9", "1m");
    let waiting = scene.hang_on_all(9);
    for page in ["/-/healthy", "/metrics", "/debug/actors"] {
        let mut client = scene.connect();
        client.request(page);
        let response = client.rest();
        assert!(response.starts_with("HTTP/1.1 200 "), "{page}: {response}");
        assert!(response.contains(CLOSES), "{page}: {response}");
    }
    let refused = scene.exporter.scrape("well");
    assert_eq!(refused.status, 503);
    assert!(
        refused.text().contains("service.max_connections"),
        "{}",
        refused.text()
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    let rejected = "local_exporter_bridge_rejected_requests_total{reason=\"no_connection\"}";
    assert!(scene.exporter.metric(rejected) >= Some(2.0));
    // Idle reserved connections are evicted.
    let idle: Vec<_> = (0..100).map(|_| scene.connect()).collect();
    assert_eq!(scene.exporter.get("/-/healthy").status, 200);
    drop((idle, waiting));
    until("the scrapes have ended", || scene.hung.open() == 0);
    scene.assert_well();
}

#[test]
fn beyond_the_global_limit_of_scrapes_the_response_is_503() {
    let scene = Scene::start("max_in_flight = 3", "1m");
    let waiting = scene.hang(3);
    let refused = scene.exporter.scrape("hung");
    refused.assert_error(503, "hung", "overloaded");
    assert!(refused.text().contains("service.max_in_flight"));
    // The limit refuses neither cached bodies nor the first scrapes of another selector.
    scene.assert_well();
    assert_eq!(scene.reached("max_in_flight"), 1.0);
    drop(waiting);
    until("scrapes are admitted again", || {
        scene.exporter.scrape_within("hung", "1").status == 504
    });
}

#[test]
fn without_free_descriptors_new_connections_wait_and_existing_ones_are_served() {
    let scene = Scene::start("", "5s");
    let process = scene.exporter.process().to_string();
    let limit = |limit: &str| {
        let mut prlimit = Command::new("prlimit");
        let done = prlimit
            .args(["--pid", &process, &format!("--nofile={limit}")])
            .status();
        assert!(done.unwrap().success());
    };
    let mut kept = scene.connect();
    kept.request("/-/healthy");
    assert_eq!(kept.reply().status, 200);
    // Open descriptors stay open, and no other can be opened.
    limit("3:");
    let mut outside = scene.connect();
    outside.request("/-/healthy");
    kept.request("/bridge?selector=hung");
    let reply = kept.reply();
    let text = reply.text();
    assert_eq!(reply.status, 502, "{text}");
    assert!(
        text.contains("io: ") && text.contains("Too many open files"),
        "{text}"
    );
    kept.request("/debug/actors");
    assert_eq!(kept.reply().status, 200);
    kept.request("/bridge?selector=well");
    assert_eq!(kept.reply().text(), "a 1\n");
    let busy = processor_time(&process);
    let began = Instant::now();
    // Accepting is retried every half second; meanwhile the exporter serves existing connections.
    while began.elapsed() < Duration::from_secs(2) {
        kept.request("/-/healthy");
        assert_eq!(kept.reply().status, 200);
        std::thread::park_timeout(Duration::from_millis(100));
    }
    let busy = processor_time(&process) - busy;
    assert!(
        busy < Duration::from_secs(1),
        "it used {busy:?} of processor time in two seconds"
    );
    limit("1024:");
    assert_eq!(
        outside.reply().status,
        200,
        "the waiting connection is served"
    );
    scene.assert_well();
}

/// User and system time of a process so far; `/proc` has ticks of 10 ms (`proc_pid_stat(5)`).
fn processor_time(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

#[test]
fn the_limit_of_open_files_is_raised_or_the_other_limits_fit_below_it() {
    let wrapper = ["prlimit", "--nofile=256:256", "--"];
    let exporter = Exporter::start_under(&wrapper, "[bridge.selectors]\n");
    let log = exporter.log().join("\n");
    assert!(log.contains("the limit of open files is too low"), "{log}");
    let flood: Vec<_> = (0..400)
        .map(|_| Connection::open(exporter.address()))
        .collect();
    assert_eq!(exporter.get("/metrics").status, 200);
    assert!(exporter.descriptors() < 256);
    drop(flood);
    let exporter = Exporter::start_under(
        &["prlimit", "--nofile=256:20000", "--"],
        "[bridge.selectors]\n",
    );
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", exporter.process())).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("20000"), "{files}");
}
