//! The exporter as a child process, a client for it, and functions that wait for a condition.

mod exporter;

pub use exporter::Exporter;

use local_exporter_daemons::registry::Metrics;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The limit of every wait. It is generous, since a loaded machine is not a failure; no wait takes
/// longer than its condition needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The response to a request.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let same = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.headers.iter().find(same).map(|(_, value)| &**value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of one series in the body.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let value = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
        self.text().lines().find_map(value)
    }

    /// Asserts an error response of one line that names the selector and the reason.
    #[track_caller]
    pub fn assert_error(&self, status: u16, selector: &str, reason: &str) {
        let text = self.text();
        assert_eq!(self.status, status, "{text}");
        let expected = format!("selector {selector:?}: {reason}: ");
        assert!(
            text.starts_with(&expected),
            "{text:?} is not about {expected:?}"
        );
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert_eq!(
            self.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
    }
}

/// The program under test, without arguments.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-exporter"));
    command.env_remove("DBUS_SESSION_BUS_ADDRESS");
    command.env_remove("DBUS_SYSTEM_BUS_ADDRESS");
    command
}

/// Sends one GET request; any status is a result.
pub fn get(url: &str, headers: &[(&str, &str)]) -> Reply {
    request("GET", url, headers)
}

/// Sends one request without a body.
pub fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> Reply {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = agent.run(request.body(()).unwrap()).unwrap();
    let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = response.headers().iter();
    Reply {
        status: response.status().as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: response
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_vec()
            .unwrap(),
    }
}

/// Sends raw bytes and returns everything until the connection closes.
pub fn raw(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    String::from_utf8_lossy(&response).into_owned()
}

/// Calls `ask` until it returns something, at most for [`PATIENCE`].
#[track_caller]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        pause();
    }
}

/// [`eventually`] for a condition.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    eventually(what, || condition().then_some(()));
}

#[expect(
    clippy::disallowed_methods,
    reason = "a short pause between two attempts"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

/// The metrics of a daemon: a real registry whose counters move.
pub fn exposition() -> impl Fn() -> Vec<u8> + Send + Sync + 'static {
    let metrics = Metrics::new("instrumented_daemon").unwrap();
    move || metrics.text()
}

/// Makes a folder accessible to all users, which temporary folders are not.
pub fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Creates a FIFO, mkfifo(3).
pub fn make_fifo(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// A path as a TOML string.
pub fn quoted(path: &Path) -> String {
    format!("{:?}", path.to_str().unwrap())
}
