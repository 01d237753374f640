//! The configuration file of a private bus: its limits, policies and address.
//!
//! Guarantees: a bus of the kind `System` has the limits that are built into `dbus-daemon`, which
//! are those of a real system bus; one of the kind `Session` has the raised limits of
//! `session.conf`. This module only writes XML; `bus` starts the process.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Which limits apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BusKind {
    /// Those of `/usr/share/dbus-1/session.conf`: messages up to 1 GB, and almost no other limit.
    #[default]
    Session,
    /// Those built into `dbus-daemon`: messages up to 32 MiB, 127 MiB queued per connection, 128
    /// pending replies per connection, 256 connections per user (`man dbus-daemon`).
    System,
}

/// What is allowed unless an additional policy says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BusPolicy {
    /// Every user may own, send and receive everything.
    #[default]
    Open,
    /// As in `/usr/share/dbus-1/system.conf`: no name may be owned, and only methods of the bus
    /// itself may be called.
    DefaultDeny,
}

/// The settings of a private bus.
#[derive(Debug, Clone, Default)]
pub struct BusOptions {
    pub(crate) kind: BusKind,
    pub(crate) policy: BusPolicy,
    pub(crate) limits: Vec<(String, u64)>,
    pub(crate) includes: Vec<PathBuf>,
    pub(crate) extra: String,
    pub(crate) directory: Option<PathBuf>,
}

impl BusOptions {
    /// A bus of the kind `Session` on which everything is allowed, in a temporary directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses the limits.
    #[must_use]
    pub fn kind(mut self, kind: BusKind) -> Self {
        self.kind = kind;
        self
    }

    /// Chooses the initial policy.
    #[must_use]
    pub fn policy(mut self, policy: BusPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets one limit by its name in `man dbus-daemon` (e.g. `reply_timeout` in milliseconds,
    /// `max_message_size` in bytes).
    #[must_use]
    pub fn limit(mut self, name: &str, value: u64) -> Self {
        self.limits.push((name.to_owned(), value));
        self
    }

    /// Includes a configuration file, for example the bus policy file of a service.
    #[must_use]
    pub fn include(mut self, file: impl Into<PathBuf>) -> Self {
        self.includes.push(file.into());
        self
    }

    /// Adds XML below `<busconfig>`. It is read last and takes precedence; for example `<policy
    /// context="default"><deny send_destination="a.b.C"/></policy>`.
    #[must_use]
    pub fn extra_xml(mut self, xml: &str) -> Self {
        self.extra.push_str(xml);
        self
    }

    /// Keeps socket, configuration and log in this existing directory, which is not removed.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// The whole configuration of a bus that listens on `socket`.
    pub(crate) fn xml(&self, socket: &Path) -> String {
        let mut xml = String::from(HEAD);
        let kind = match self.kind {
            BusKind::Session => "session",
            BusKind::System => "system",
        };
        let address = address(socket);
        // Writing to a string cannot fail.
        let _ = writeln!(xml, "  <type>{kind}</type>\n  <listen>{address}</listen>");
        xml.push_str("  <auth>EXTERNAL</auth>\n");
        xml.push_str(match self.policy {
            BusPolicy::Open => OPEN,
            BusPolicy::DefaultDeny => DEFAULT_DENY,
        });
        if self.kind == BusKind::Session {
            xml.push_str(SESSION_LIMITS);
        }
        for (name, value) in &self.limits {
            let _ = writeln!(xml, "  <limit name=\"{}\">{value}</limit>", escape(name));
        }
        for file in &self.includes {
            let file = escape(&file.display().to_string());
            let _ = writeln!(xml, "  <include>{file}</include>");
        }
        xml.push_str(&self.extra);
        xml.push_str("\n</busconfig>\n");
        xml
    }
}

/// The D-Bus address of a socket; bytes that the specification does not allow unescaped ("Server
/// Addresses") are escaped, which also makes the address safe in XML.
pub(crate) fn address(socket: &Path) -> String {
    let mut address = String::from("unix:path=");
    for byte in socket.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_/.\\*".contains(byte) {
            address.push(char::from(*byte));
        } else {
            let _ = write!(address, "%{byte:02x}");
        }
    }
    address
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

const HEAD: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
"#;

const OPEN: &str = r#"  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*" eavesdrop="true"/>
  </policy>
"#;

const DEFAULT_DENY: &str = r#"  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  </policy>
"#;

const SESSION_LIMITS: &str = r#"  <limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="max_message_size">1000000000</limit>
  <limit name="max_completed_connections">100000</limit>
  <limit name="max_incomplete_connections">10000</limit>
  <limit name="max_connections_per_user">100000</limit>
  <limit name="max_names_per_connection">50000</limit>
  <limit name="max_match_rules_per_connection">50000</limit>
  <limit name="max_replies_per_connection">50000</limit>
"#;
