//! A real Prometheus scrapes sources of all three kinds and the exporter itself.

mod names;

use crate::support::{Exporter, exposition, get, quoted, until};
use local_exporter_daemons::bus::{BusKind, BusOptions};
use local_exporter_daemons::prombus::{self, Prombus};
use local_exporter_daemons::promfile::PromFile;
use local_exporter_daemons::promsock::PromSock;
use serde_json::Value;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A running Prometheus, killed on drop.
pub(crate) struct Prometheus {
    child: Child,
    base: String,
}

impl Prometheus {
    pub(crate) fn start(folder: &Path, config: &str) -> Self {
        let mut command = Command::new("prometheus");
        let data = folder.join("data");
        command.arg(format!("--storage.tsdb.path={}", data.display()));
        Self::start_as(
            command,
            ("--config.file", "--web.listen-address"),
            "/-/ready",
            folder,
            config,
        )
        .expect("prometheus is missing: run .ci/packages, or install Prometheus")
    }

    /// Starts a program with Prometheus' API; `flags` are those for its configuration and its
    /// address, and `ready` is the page that returns 200 when it is ready.
    fn start_as(
        mut command: Command,
        flags: (&str, &str),
        ready: &str,
        folder: &Path,
        config: &str,
    ) -> std::io::Result<Self> {
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        // Free a moment ago: Prometheus does not report which port it chose.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = command
            .arg(format!("{}={}", flags.0, file.display()))
            .arg(format!("{}=127.0.0.1:{port}", flags.1))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let base = format!("http://127.0.0.1:{port}");
        until("the scraper is ready", || {
            let agent = ureq::get(format!("{base}{ready}")).call();
            agent.is_ok_and(|response| response.status() == 200)
        });
        Ok(Self { child, base })
    }

    /// The value of an instant query with one sample.
    pub(crate) fn query(&self, query: &str) -> Option<f64> {
        let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let reply = get(&format!("{}/api/v1/query?query={query}", self.base), &[]);
        let page: Value = serde_json::from_slice(&reply.body).unwrap();
        page["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The shipped scrape configuration with the target's address and a short interval.
fn scrape_config(exporter: &Exporter) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus.example.yml");
    let shipped = std::fs::read_to_string(shipped).unwrap();
    assert!(shipped.contains("localhost:9598") && shipped.contains("scrape_interval: 15s"));
    shipped
        .replace("localhost:9598", exporter.address())
        .replace("scrape_interval: 15s", "scrape_interval: 1s")
        .replace("scrape_timeout: 10s", "scrape_timeout: 1s")
}

#[test]
fn all_targets_are_up_and_the_daemons_counters_rise() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let _socket = PromSock::bind(at("metrics.promsock"), exposition()).unwrap();
    let bus = BusOptions::new().kind(BusKind::System).start().unwrap();
    let metrics = local_exporter_daemons::registry::Metrics::new("prombus").unwrap();
    let _prombus = Prombus::start(&bus.address(), move || metrics.text()).unwrap();
    let file = PromFile::new(at("metrics.promfile"));
    let write = exposition();
    file.write(&write()).unwrap();
    let exporter = Exporter::start(&format!(
        "[bridge]\ndbus_system_bus_address = \"{}\"\n[bridge.selectors]\n\
         daemon1 = {{ kind = \"file\", path = {} }}\ndaemon2 = {{ kind = \"uds\", path = {} }}\n\
         [bridge.selectors.daemon3]\nkind = \"dbus\"\nbus = \"system\"\ndestination = \"{}\"\n\
         method = \"{}.{}\"\npath = \"{}\"\n",
        bus.address(),
        quoted(&at("metrics.promfile")),
        quoted(&at("metrics.promsock")),
        prombus::NAME,
        prombus::INTERFACE,
        prombus::METHOD,
        prombus::PATH,
    ));
    let prometheus = Prometheus::start(folder.path(), &scrape_config(&exporter));

    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                file.write(&write()).unwrap();
                std::thread::park_timeout(Duration::from_millis(200));
            }
        });
        until("four targets are up", || {
            prometheus.query("sum(up)") == Some(4.0)
        });
        for (selector, series) in [
            ("daemon1", "instrumented_daemon_ticks_total"),
            ("daemon2", "instrumented_daemon_ticks_total"),
            ("daemon3", "prombus_ticks_total"),
        ] {
            let query = format!("{series}{{selector=\"{selector}\"}}");
            let mut before = None;
            until(&format!("{query} rises"), || {
                let now = prometheus.query(&query);
                let risen = before.is_some() && now > before;
                before = before.or(now);
                risen
            });
        }
        let own = "local_exporter_bridge_scrapes_total{selector=\"daemon3\"}";
        until("the exporter's own counters are stored", || {
            prometheus.query(own) > Some(1.0)
        });
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(prometheus.query("count(up)"), Some(4.0));
}
