//! Misbehaving clients: how much time, how many connections and how much memory they can use.

pub mod connection;
mod floods;
mod limits;
mod live;
mod requests;
mod slow_readers;
mod unknown;
pub mod unread;

use crate::support::{Exporter, quoted, until};
use connection::Connection;
use local_exporter_daemons::fault::Behaviour;
use local_exporter_daemons::scripted::ScriptedDaemon;
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
            "{service}\n[bridge.defaults]\ntimeout = \"{timeout}\"\n\
             max_in_flight = 256\n[bridge.selectors]\n\
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

    /// [`Scene::hang`] on all normal connections.
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
