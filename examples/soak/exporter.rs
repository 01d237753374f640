//! The exporter as a child process, and what it reports about itself.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running exporter, killed on drop.
pub(crate) struct Exporter {
    child: Child,
    address: String,
}

impl Exporter {
    /// Starts a program with a configuration, and waits until it listens.
    pub(crate) fn start(program: Option<&Path>, configuration: &Path) -> Self {
        let program = program.map_or_else(beside, Path::to_owned);
        let mut child = Command::new(&program)
            .args(["serve", "--log.format", "json", "--config"])
            .arg(configuration)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program, which cargo build --profile dist makes");
        let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        let address = loop {
            let line = lines.next().expect("the exporter ended").expect("a line");
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if let ("listening", Some(address)) = (text(&event, "msg"), event.get("address")) {
                break address.as_str().unwrap_or_default().to_owned();
            }
        };
        // Read on, so that the pipe does not fill up.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, address }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The number of scrapes that actors are working on.
    pub(crate) fn in_flight(&self) -> u64 {
        self.sum("in_flight")
    }

    /// The number of restarts of actors.
    pub(crate) fn restarts(&self) -> u64 {
        self.sum("restarts")
    }

    fn sum(&self, key: &str) -> u64 {
        let page = self.get("/debug/actors").expect("the page of the actors");
        let page: Value = serde_json::from_slice(&page).expect("JSON");
        let actors = page.get("actors").and_then(Value::as_array);
        let numbers = actors.into_iter().flatten().map(|actor| actor.get(key));
        numbers
            .map(|number| number.and_then(Value::as_u64).expect("a number"))
            .sum()
    }

    /// The body of a page, requested on a new connection; `None` for any error.
    pub(crate) fn get(&self, path: &str) -> Option<Vec<u8>> {
        let agent = agent();
        let response = agent.get(format!("http://{}{path}", self.address)).call();
        response.ok()?.body_mut().read_to_vec().ok()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP client with the timeout of an ordinary scraper.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into()
}

fn text<'a>(event: &'a Value, key: &str) -> &'a str {
    event.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The program that was built with the same profile as this one.
fn beside() -> PathBuf {
    let own = std::env::current_exe().expect("a path of my own");
    let folder = own.parent().and_then(Path::parent);
    folder.expect("a target folder").join("local-exporter")
}
