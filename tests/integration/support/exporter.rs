//! The running exporter.

use super::{Reply, get, program};
use crate::serving::Serving;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

/// The beginning of every configuration.
const SERVICE: &str = "[service]\naddress = \"127.0.0.1\"\nport = 0\n";

/// A running exporter with one TCP port, killed on drop.
pub struct Exporter {
    serving: Serving,
    address: String,
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
