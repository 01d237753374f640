//! The exporter-toolkit's web configuration, over real connections: the effect of each key, which
//! clients it admits, and that files are read again without a restart.

mod certificates;
mod client;
mod clients;
mod http2;
mod prometheus;
mod requests;
mod start;
mod streams;
mod tls;
mod tokens;

use crate::support::{Exporter, quoted};
use certificates::{Authority, Identity};
use client::Client;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// bcrypt of a password at the minimum cost.
fn bcrypt(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

/// A folder with a web configuration and the certificates that it names.
struct Web {
    folder: TempDir,
    authority: Authority,
}

impl Web {
    /// Creates a certificate of the server, signed by an authority of its own.
    fn new() -> Self {
        let web = Self {
            folder: tempfile::tempdir().unwrap(),
            authority: Authority::new("servers"),
        };
        web.certify(&web.authority.issue(&["localhost", "127.0.0.1"]));
        web
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file atomically.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    /// Replaces the server's certificate and key.
    fn certify(&self, identity: &Identity) {
        self.write("key.pem", &identity.key);
        self.write("cert.pem", &identity.certificate);
    }

    /// Replaces the web configuration.
    fn configure(&self, text: &str) {
        self.write("web.yml", text);
    }

    /// Starts an exporter with a web configuration; `more` are keys of `[service]` and further
    /// tables.
    fn start(&self, text: &str, more: &str) -> Exporter {
        self.configure(text);
        Exporter::start(&self.toml(more))
    }

    /// The configuration of that exporter.
    fn toml(&self, more: &str) -> String {
        format!(
            "web_config_file = {}\n{more}",
            quoted(&self.path("web.yml"))
        )
    }

    /// A client that trusts the server's authority.
    fn client(&self) -> Client {
        Client::new(self.authority.certificate())
    }
}

/// A web configuration with TLS, and more keys of `tls_server_config`.
fn tls(more: &[&str]) -> String {
    let more: String = more.iter().map(|line| format!("  {line}\n")).collect();
    format!("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n{more}")
}

/// The value of one series on `/metrics`, over TLS.
fn metric(client: &Client, exporter: &Exporter, series: &str) -> Option<f64> {
    let text = client.get(exporter.address(), "/metrics").ok()?;
    let value = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
    text.lines().find_map(value)
}

/// The keys of a selector for a file with one sample.
fn selector(folder: &Path) -> String {
    let file = folder.join("m.prom");
    fs::write(&file, "a 1\n").unwrap();
    format!("kind = \"file\"\npath = {}\n", quoted(&file))
}
