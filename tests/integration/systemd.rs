//! Under systemd: readiness, reloads, watchdog keep-alives, passed sockets and fields of the journal,
//! with real sockets and protocols.

use crate::serving::{Serving, by_shell, get_over_unix};
use crate::support::{PATIENCE, eventually, get, open_to_all, program, until};
use local_exporter_skip::skip;
use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};

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
    assert_eq!(ready, ["READY=1", "STATUS=0 of 2 sources answered"]);
    let base = format!("http://{}", serving.address());
    assert_eq!(get(&format!("{base}/-/ready"), &[]).status, 200);

    std::fs::write(&file, "a 1\n").unwrap();
    until("the file is served", || {
        get(&format!("{base}/bridge?selector=two"), &[]).status == 200
    });
    assert_eq!(manager.receive(), ["STATUS=1 of 2 sources answered"]);

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
        assert_eq!(ready[1], "STATUS=0 of 1 sources answered");
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

/// A shell that passes its standard input like systemd passes a socket.
fn passing(socket: impl Into<OwnedFd>) -> Command {
    let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web ";
    // An assignment before `exec` applies to the executed program.
    let mut command = by_shell(script);
    command.stdin(Stdio::from(socket.into()));
    command
}

const PASSED: &[&str] = &["--web.systemd-socket"];

#[test]
fn a_passed_port_is_served_and_named_in_the_log() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Serving::start(passing(listener), PASSED, "");
    assert_eq!(get(&format!("http://{address}/-/healthy"), &[]).status, 200);
    assert_eq!(
        serving.logged("socket passed by systemd", 1)[0]["name"],
        "web"
    );
    assert_eq!(serving.address(), address.to_string());
}

#[test]
fn a_passed_unix_socket_is_served_and_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let listener = UnixListener::bind(&path).unwrap();
    let config = "[service]\nlandlock = false\n";
    let mut serving = Serving::start(passing(listener), PASSED, config);
    assert!(get_over_unix(&path, "/-/healthy").starts_with("HTTP/1.1 200 "));
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0));
    assert!(path.exists());
}

#[test]
fn a_passed_socket_must_exist_and_listen() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let file = File::open("/dev/null").unwrap();
    let neither = "is neither a TCP nor a unix stream socket";
    for (command, sentence) in [
        (program(), "no socket activation file descriptors found"),
        (
            // For another process.
            by_shell("LISTEN_PID=1 LISTEN_FDS=1 "),
            "no socket activation file descriptors found",
        ),
        (passing(connection), "does not listen"),
        (passing(datagrams), neither),
        (passing(file), neither),
    ] {
        let mut serving = Serving::start(command, PASSED, "");
        assert_eq!(serving.ended().code(), Some(1));
        let event = &serving.logged("cannot serve", 1)[0];
        let error = event["error"].as_str().unwrap();
        assert!(error.contains(sentence), "{error}");
    }
}

#[test]
fn systemd_socket_activate_starts_the_exporter_at_the_first_request() {
    if Command::new("systemd-socket-activate")
        .arg("--version")
        .output()
        .is_err()
    {
        return skip("systemd-socket-activate is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let mut command = Command::new("systemd-socket-activate");
    command
        .arg("-l")
        .arg(&path)
        .arg("--fdname=own")
        .arg(program().get_program());
    let serving = Serving::start(command, PASSED, "");
    until("the socket exists", || path.exists());
    assert!(get_over_unix(&path, "/-/healthy").starts_with("HTTP/1.1 200 "));
    // The process of systemd-socket-activate has become the exporter.
    let event = &serving.logged("socket passed by systemd", 1)[0];
    assert_eq!(event["name"], "own");
}

/// Starts the exporter with a journal socket and with its standard error in a file, which
/// `$JOURNAL_STREAM` names if `matches`. Returns what the journal and the file received first.
fn on_the_journal(folder: &Path, matches: bool) -> Option<(String, String)> {
    let socket = folder.join("socket");
    let journal = UnixDatagram::bind(&socket).unwrap();
    journal.set_nonblocking(true).unwrap();
    let log = folder.join("log");
    let stderr = File::create(&log).unwrap();
    let is = stderr.metadata().unwrap();
    let inode = if matches { is.ino() } else { is.ino() + 1 };
    // A directory of the test replaces `/run`, for this process only.
    let script = format!(
        "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && \
         mount --bind {} /run/systemd/journal && exec \"$@\"",
        folder.display()
    );
    let unshare = [
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        &script,
        "sh",
    ];
    let probe = Command::new("unshare").args(unshare).arg("true").status();
    if !probe.is_ok_and(|status| status.success()) {
        skip("unshare cannot make namespaces here");
        return None;
    }
    let mut child = Command::new("unshare")
        .args(unshare)
        .arg(program().get_program())
        .args([
            "serve",
            "--config",
            "/dev/null",
            "--web.listen-address",
            "127.0.0.1:0",
        ])
        .env("JOURNAL_STREAM", format!("{}:{inode}", is.dev()))
        .stderr(Stdio::from(stderr))
        .spawn()
        .unwrap();
    let mut entries = String::new();
    let found = eventually("the exporter listens", || {
        let mut bytes = [0; 8192];
        while let Ok(length) = journal.recv(&mut bytes) {
            entries += &String::from_utf8_lossy(&bytes[..length]);
        }
        let written = std::fs::read_to_string(&log).unwrap();
        let listens = entries.contains("listening") || written.contains("listening");
        listens.then(|| (entries.clone(), written))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    Some(found)
}

#[test]
fn the_journal_gets_fields_if_standard_error_is_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let Some((journal, written)) = on_the_journal(folder.path(), true) else {
        return;
    };
    assert!(written.is_empty(), "{written}");
    for (field, value) in [
        ("MESSAGE", "listening"),
        // The number of info in syslog(3).
        ("PRIORITY", "6"),
        ("LOCAL_EXPORTER_ADDRESS", "127.0.0.1:"),
        ("SYSLOG_IDENTIFIER", "local-exporter"),
    ] {
        // The length of the value is between the two (systemd's "Native Journal Protocol").
        let name = format!("{field}\n");
        let mut values = journal
            .split(&name)
            .skip(1)
            .filter_map(|rest| rest.get(8..));
        let has = values.any(|rest| rest.starts_with(value));
        assert!(has, "{field} is not {value:?} in {journal:?}");
    }
}

#[test]
fn the_journal_gets_nothing_if_standard_error_is_redirected() {
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let Some((journal, written)) = on_the_journal(folder.path(), false) else {
        return;
    };
    assert!(journal.is_empty(), "{journal:?}");
    assert!(written.contains("level=info"), "{written}");
}
