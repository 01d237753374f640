//! The service manager is notified of readiness, reloads and shutdown, and gets watchdog keep-alives.

use crate::serving::{Serving, by_shell};
use crate::support::{PATIENCE, eventually, get, program, until};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

const LOCAL: &[&str] = &["--web.listen-address", "127.0.0.1:0"];

const SELECTORS: &str = "[bridge.selectors]\none = { kind = \"uds\", path = \"/nowhere/one\" }\n";

/// The service manager.
struct Manager(UnixDatagram);

impl Manager {
    fn bind(address: &SocketAddr) -> Self {
        let socket = UnixDatagram::bind_addr(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// The lines of the next message.
    fn receive(&self) -> Vec<String> {
        let mut bytes = [0; 4096];
        let length = self.0.recv(&mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// All messages up to and including the first with that line.
    #[track_caller]
    fn receive_until(&self, line: &str) -> Vec<Vec<String>> {
        let mut received = Vec::new();
        eventually(line, || {
            let message = self.receive();
            let found = message.iter().any(|found| found == line);
            received.push(message);
            found.then_some(())
        });
        received
    }
}

fn monotonic_microseconds() -> u128 {
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    std::time::Duration::from_secs_f64(seconds).as_micros()
}

/// The messages from startup to shutdown.
fn lifecycle(manager: &Manager, notify_socket: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.prom");
    let config = format!(
        "{SELECTORS}two = {{ kind = \"file\", path = {:?} }}\n",
        file.display()
    );
    let mut command = program();
    command.env("NOTIFY_SOCKET", notify_socket);
    let mut serving = Serving::start(command, LOCAL, &config);
    let ready = manager.receive();
    assert_eq!(ready, ["READY=1", "STATUS=0 of 2 sources responded"]);
    let base = format!("http://{}", serving.address());
    assert_eq!(get(&format!("{base}/-/ready"), &[]).status, 200);

    std::fs::write(&file, "a 1\n").unwrap();
    until("the file is served", || {
        get(&format!("{base}/bridge?selector=two"), &[]).status == 200
    });
    assert_eq!(manager.receive(), ["STATUS=1 of 2 sources responded"]);

    // The second reload fails; it is reported too.
    for config in [SELECTORS, "nonsense"] {
        std::fs::write(serving.config(), config).unwrap();
        let asked = monotonic_microseconds();
        serving.signal("HUP");
        let reloading = manager.receive();
        assert_eq!(reloading[0], "RELOADING=1");
        let time = reloading[1].strip_prefix("MONOTONIC_USEC=").unwrap();
        // The uptime of the kernel has a resolution of 10 ms and may include sleep.
        assert!(
            time.parse::<u128>().unwrap() > 0 && asked > 0,
            "{reloading:?}"
        );
        let ready = manager.receive();
        assert_eq!(ready[0], "READY=1");
        assert_eq!(ready[1], "STATUS=0 of 1 sources responded");
    }
    serving.signal("TERM");
    let last = manager.receive_until("STOPPING=1");
    assert_eq!(last.len(), 1, "{last:?}");
    assert_eq!(serving.ended().code(), Some(0));
}

#[test]
fn the_manager_is_notified_at_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = Manager::bind(&SocketAddr::from_pathname(&path).unwrap());
    lifecycle(&manager, path.to_str().unwrap());
}

#[test]
fn a_confined_exporter_notifies_the_manager_at_an_abstract_address() {
    let name = format!("local-exporter-notify-{}", std::process::id());
    let manager = Manager::bind(&SocketAddr::from_abstract_name(&name).unwrap());
    lifecycle(&manager, &format!("@{name}"));
}

#[test]
fn an_unreachable_manager_is_logged_and_not_fatal() {
    let mut command = program();
    command.env("NOTIFY_SOCKET", "/nowhere/notify");
    let serving = Serving::start(command, LOCAL, "");
    let message = "cannot connect to the service manager (NOTIFY_SOCKET)";
    assert_eq!(serving.logged(message, 1)[0]["level"], "warn");
    let healthy = format!("http://{}/-/healthy", serving.address());
    assert_eq!(get(&healthy, &[]).status, 200);
}

/// The messages with a watchdog for the process that the shell expression names.
fn watched(process: &str) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = Manager::bind(&SocketAddr::from_pathname(&path).unwrap());
    let mut command = by_shell(&format!("export WATCHDOG_PID={process}; "));
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "20000");
    let serving = Serving::start(command, LOCAL, SELECTORS);
    let mut received = manager.receive_until("READY=1");
    if process == "$$" {
        for _ in 0..3 {
            received.extend(manager.receive_until("WATCHDOG=1"));
        }
    }
    serving.signal("TERM");
    received.extend(manager.receive_until("STOPPING=1"));
    received
}

#[test]
fn keep_alives_are_sent_if_the_watchdog_is_for_this_process() {
    let alive =
        |received: &[Vec<String>]| received.iter().filter(|it| *it == &["WATCHDOG=1"]).count();
    assert!(alive(&watched("$$")) >= 3);
    assert_eq!(alive(&watched("1")), 0);
}
