//! Shutdown: scrapes in progress are completed, and `/-/ready` reports the shutdown.

use crate::support::{Exporter, get, quoted, request, until};
use local_exporter_daemons::promsock::PromSock;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

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
