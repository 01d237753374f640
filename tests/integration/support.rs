//! The exporter as a child process, a client for it, and functions that wait for a condition.

use crate::serving::Serving;
use local_exporter_daemons::registry::Metrics;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// The limit of every wait. It is generous, since a loaded machine is not a failure; no wait takes
/// longer than its condition needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The beginning of every configuration.
const SERVICE: &str = "[service]\naddress = \"127.0.0.1\"\nport = 0\n";

/// A running exporter with one TCP port, killed on drop.
pub struct Exporter {
    serving: Serving,
    address: String,
}

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

impl Exporter {
    /// Starts it with this configuration after a `[service]` table with a free port.
    pub fn start(config: &str) -> Self {
        Self::start_as(program(), config)
    }

    /// Like [`Exporter::start`], through a wrapper that executes its last arguments.
    pub fn start_under(wrapper: &[&str], config: &str) -> Self {
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(program().get_program());
        Self::start_as(command, config)
    }

    /// Like [`Exporter::start`], with a command that lacks only the arguments of the program.
    pub fn start_as(command: Command, config: &str) -> Self {
        let serving = Serving::start(command, &[], &format!("{SERVICE}{config}"));
        let address = serving.address();
        Self { serving, address }
    }

    /// The path of its configuration file.
    pub fn configuration(&self) -> PathBuf {
        self.serving.config()
    }

    /// Replaces its configuration file in the form that [`Exporter::start`] wrote; does not request a reload.
    pub fn configure(&self, config: &str) {
        let file = self.configuration();
        let new = file.with_file_name("new");
        fs::write(&new, format!("{SERVICE}{config}")).unwrap();
        fs::rename(new, file).unwrap();
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> Reply {
        get(&self.url(path), &[])
    }

    pub fn scrape(&self, selector: &str) -> Reply {
        self.get(&format!("/bridge?selector={selector}"))
    }

    /// A scrape with the header that contains Prometheus' timeout.
    pub fn scrape_within(&self, selector: &str, seconds: &str) -> Reply {
        let url = self.url(&format!("/bridge?selector={selector}"));
        get(&url, &[("X-Prometheus-Scrape-Timeout-Seconds", seconds)])
    }

    /// The value of one series on `/metrics`.
    pub fn metric(&self, series: &str) -> Option<f64> {
        self.get("/metrics").metric(series)
    }

    /// One selector's entry on `/debug/actors`.
    pub fn actor(&self, selector: &str) -> Value {
        let page: Value = serde_json::from_slice(&self.get("/debug/actors").body).unwrap();
        let actors = page["actors"].as_array().unwrap();
        let found = actors.iter().find(|actor| actor["selector"] == selector);
        found
            .unwrap_or_else(|| panic!("{selector} is not on {page}"))
            .clone()
    }

    /// Every log line so far.
    pub fn log(&self) -> Vec<String> {
        self.serving.lines()
    }

    pub fn descriptors(&self) -> usize {
        self.count("fd")
    }

    pub fn threads(&self) -> usize {
        self.count("task")
    }

    pub fn process(&self) -> u32 {
        self.serving.process()
    }

    fn count(&self, what: &str) -> usize {
        let folder = format!("/proc/{}/{what}", self.process());
        fs::read_dir(folder).unwrap().count()
    }

    /// Sends a signal by name, as `kill -NAME` does.
    pub fn signal(&self, name: &str) {
        self.serving.signal(name);
    }

    /// Waits for the end of the process.
    pub fn ended(&mut self) -> ExitStatus {
        self.serving.ended()
    }
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
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
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

#[expect(clippy::disallowed_methods, reason = "a short pause between two looks")]
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
