//! Misbehaving clients: how much time, how many connections and how much memory they can use.

pub mod connection;
mod floods;
mod live;
mod slow_readers;
mod unknown;

use crate::support::{Exporter, quoted, until};
use connection::Connection;
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Header of the last response on a connection.
const CLOSES: &str = "\r\nconnection: close\r\n";

/// An exporter with the selectors `hung`, a daemon that never responds, and `well`, a file.
struct Scene {
    exporter: Exporter,
    hung: ScriptedDaemon,
    _folder: TempDir,
}

impl Scene {
    /// `service` are keys of `[service]`, `timeout` is that of all selectors.
    fn start(service: &str, timeout: &str) -> Self {
        Self::start_with(service, timeout, "")
    }

    /// [`Scene::start`] with more selectors.
    fn start_with(service: &str, timeout: &str, selectors: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (socket, file) = (folder.path().join("sock"), folder.path().join("m.prom"));
        std::fs::write(&file, "a 1\n").unwrap();
        let hung = ScriptedDaemon::start(&socket, Behaviour::HangAfterAccept).unwrap();
        let exporter = Exporter::start(&format!(
            "{service}\n[bridge.defaults]\ntimeout = \"{timeout}\"\n[bridge.selectors]\n\
             hung = {{ kind = \"uds\", path = {} }}\nwell = {{ kind = \"file\", path = {} }}\n{selectors}",
            quoted(&socket),
            quoted(&file),
        ));
        Self {
            exporter,
            hung,
            _folder: folder,
        }
    }

    fn connect(&self) -> Connection {
        Connection::open(self.exporter.address())
    }

    /// How often clients reached a limit.
    fn reached(&self, limit: &str) -> f64 {
        let series = format!("local_exporter_http_limit_reached_total{{limit=\"{limit}\"}}");
        self.exporter.metric(&series).unwrap()
    }

    fn assert_well(&self) {
        assert_eq!(self.exporter.scrape("well").text(), "a 1\n");
    }

    /// Begins scrapes of the daemon that never responds.
    fn hang(&self, scrapes: u64) -> Vec<Connection> {
        let scrape = |others| {
            let mut connection = self.connect();
            connection.request("/bridge?selector=hung");
            // One after the other: a connection that was not read yet counts as idle.
            until("the scrape is in flight", || {
                self.exporter.actor("hung")["in_flight"] == others + 1
            });
            connection
        };
        (0..scrapes).map(scrape).collect()
    }

    /// [`Scene::hang`] on all ordinary connections.
    fn hang_on_all(&self, connections: u64) -> Vec<Connection> {
        let mut waiting = self.hang(connections - 1);
        until("scrapes are refused", || {
            let mut last = self.connect();
            last.request("/bridge?selector=hung");
            waiting.push(last);
            // This connection may be a reserved one, as long as another one is about to end.
            self.exporter.scrape("well").status == 503
                && self.exporter.actor("hung")["in_flight"] == connections
        });
        waiting
    }
}

#[test]
fn an_incomplete_request_head_ends_the_connection_after_a_timeout() {
    let scene = Scene::start("header_timeout = \"150ms\"", "5s");
    let mut silent = scene.connect();
    assert_eq!(
        silent.rest(),
        "",
        "without a part of a request there is no response"
    );
    let mut slow = scene.connect();
    slow.send("GET / HT");
    let response = slow.rest();
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(
        response.contains(CLOSES) && response.contains("header_timeout"),
        "{response}"
    );
    // The timeout applies to later requests of a connection too.
    let mut second = scene.connect();
    second.request("/-/healthy");
    assert_eq!(second.reply().status, 200);
    second.send("GET / HTTP/1.1\r\nhost:");
    assert!(second.rest().starts_with("HTTP/1.1 408 "));
    assert_eq!(scene.reached("header_timeout"), 3.0);
    scene.assert_well();
}

#[test]
fn an_idle_connection_ends_after_a_timeout() {
    let scene = Scene::start("idle_timeout = \"150ms\"\nheader_timeout = \"1m\"", "5s");
    let mut idle = scene.connect();
    for _ in 0..3 {
        idle.request("/bridge?selector=well");
        assert_eq!(idle.reply().text(), "a 1\n");
    }
    assert_eq!(idle.rest(), "");
    until("the limit is counted", || {
        scene.reached("idle_timeout") == 1.0
    });
}

#[test]
fn a_request_head_that_is_too_large_is_refused() {
    let scene = Scene::start("", "5s");
    let flood = "x".repeat(60_000);
    for head in [
        format!("GET /bridge?selector={flood} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: x\r\nx: {flood}\r\n\r\n"),
    ] {
        let mut client = scene.connect();
        client.send(&head);
        let response = client.rest();
        assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
    }
    let mut many = scene.connect();
    many.send(&format!(
        "GET / HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "x: y\r\n".repeat(1000)
    ));
    let response = many.rest();
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
    assert_eq!(scene.reached("header_size"), 2.0);
    // A selector name of 20,000 characters is unknown, and shortened in the response.
    let long = scene.exporter.scrape(&"x".repeat(20_000));
    assert_eq!(long.status, 404);
    assert!(long.body.len() < 200, "{}", long.text());
    scene.assert_well();
}

#[test]
fn pipelined_requests_get_their_responses_in_order() {
    const PIPELINED: usize = 200;
    let scene = Scene::start("", "5s");
    let mut client = scene.connect();
    for number in 0..PIPELINED {
        client.request(if number % 2 == 0 {
            "/bridge?selector=well"
        } else {
            "/-/healthy"
        });
    }
    for number in 0..PIPELINED {
        let reply = client.reply();
        let expected = if number % 2 == 0 {
            "a 1\n"
        } else {
            "local-exporter is healthy\n"
        };
        assert_eq!((reply.status, &*reply.text()), (200, expected), "{number}");
    }
}

#[test]
fn old_and_malformed_requests_get_a_response_and_end_their_connection() {
    let scene = Scene::start("", "5s");
    let cases = [
        (
            "GET /bridge?selector=well HTTP/1.0\r\n\r\n",
            "HTTP/1.0 200 ",
        ),
        ("GET /bridge?selector=well\r\n\r\n", "HTTP/1.1 400 "),
        ("GET / HTTP/7.0\r\n\r\n", "HTTP/1.1 400 "),
        ("\0\0\0\0\0\0\0\0\r\n\r\n", "HTTP/1.1 400 "),
        ("GET / HTTP/1.1\r\nhost : x\r\n\r\n", "HTTP/1.1 400 "),
        (
            "GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
            "HTTP/1.1 400 ",
        ),
    ];
    for (request, status) in cases {
        let mut client = scene.connect();
        client.send(request);
        let response = client.rest();
        assert!(response.starts_with(status), "{request:?} {response:?}");
        scene.assert_well();
    }
}

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
    let refused = scene.exporter.scrape("well");
    refused.assert_error(503, "well", "overloaded");
    assert!(refused.text().contains("service.max_in_flight"));
    assert_eq!(scene.reached("max_in_flight"), 1.0);
    drop(waiting);
    until("scrapes are admitted again", || {
        scene.exporter.scrape("well").status == 200
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
    assert!(log.contains("the limit of open files allows less"), "{log}");
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
