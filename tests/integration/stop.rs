//! Shutdown: scrapes in progress are completed, and `/-/ready` reports the shutdown.

use crate::serving::Serving;
use crate::support::{Exporter, PATIENCE, get, program, quoted, request, until};
use local_exporter_daemons::promsock::PromSock;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn during_shutdown_the_exporter_is_not_ready_and_scrapes_in_progress_are_completed() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let _daemon = PromSock::bind(&socket, move || {
        let _ = held.lock().unwrap().recv_timeout(Duration::from_secs(30));
        b"a 1\n".to_vec()
    });
    let text = format!(
        "[bridge.selectors]\nit = {{ kind = \"uds\", path = {}, timeout = \"60s\" }}\n",
        quoted(&socket)
    );
    let mut exporter = Exporter::start(&text);
    assert_eq!(exporter.get("/-/ready").status, 200);
    let url = exporter.url("/bridge?selector=it");
    let within = ("X-Prometheus-Scrape-Timeout-Seconds", "60");
    let scrape = thread::spawn(move || get(&url, &[within]));
    until("the scrape is in progress", || {
        exporter.actor("it")["in_flight"].as_u64() == Some(1)
    });

    exporter.signal("TERM");
    let ready = exporter.url("/-/ready");
    until("the exporter is not ready", || {
        let reply = request("GET", &ready, &[]);
        reply.status == 503 && reply.text() == "local-exporter is stopping\n"
    });
    release.send(()).unwrap();
    let reply = scrape.join().unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (200, "a 1\n"));
    assert_eq!(exporter.ended().code(), Some(0));
}

/// SIGHUP ends a process that has no handler for it.
#[test]
fn signals_are_handled_before_the_configuration_is_read() {
    // Takes much longer to read than handlers take to install.
    let config = "# a comment\n".repeat(500_000);
    let began = Instant::now();
    let address = ["--web.listen-address", "127.0.0.1:0"];
    let mut serving = Serving::start(program(), &address, &config);
    let status = format!("/proc/{}/status", serving.process());
    let catches_hangup = || {
        let status = std::fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        // Bit 0 is that of signal 1, SIGHUP (proc_pid_status(5)).
        u64::from_str_radix(caught.unwrap().trim(), 16).unwrap() & 1 == 1
    };
    while !catches_hangup() {
        assert!(began.elapsed() < PATIENCE);
        thread::yield_now();
    }
    let handled = began.elapsed();
    serving.signal("HUP");
    serving.address();
    let listened = began.elapsed();
    assert!(handled < listened / 3, "{handled:?} {listened:?}");
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0));
}
