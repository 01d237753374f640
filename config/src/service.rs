//! What the `[service]` table says: where to listen, what to serve there, and to whom.
//!
//! Values here are checked and immutable; reading them may not touch the host.
//! How they are written stands in `read`, `listen` and `paths`.

mod listen;
mod paths;
mod read;

use crate::access::Access;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The `[service]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Where requests come from.
    pub listeners: Listeners,
    /// Where its pages are.
    pub paths: Paths,
    /// TLS, users, headers and rates: the exporter-toolkit's file, if there is one.
    pub web_config: Option<PathBuf>,
    /// What was said of TLS beside that file, which it may not contradict.
    pub tls: Tls,
    /// Whether the configuration may be reloaded over HTTP.
    pub lifecycle: Lifecycle,
    /// When the configuration is read again.
    pub reload: Reload,
    /// How much earlier than a scraper gives up it gets its answer.
    pub timeout_offset: Duration,
    /// What clients may take of the process.
    pub clients: ClientLimits,
    /// Who may ask at all.
    pub access: Access,
    /// Whether the process gives up what it does not need.
    pub confinement: Confinement,
    /// What becomes of drop-ins with errors.
    pub drop_ins: DropIns,
}

/// What was said of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Nothing: the web configuration decides.
    Unsaid,
    /// `tls = true`: the web configuration, which there is, must have it.
    Required,
    /// `tls = false`: it must not.
    Refused,
}

/// What becomes of drop-ins with errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropIns {
    /// They are left out, with a warning.
    Lenient,
    /// They are errors as any others.
    Strict,
}

/// Where requests come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listeners {
    /// Listeners of its own, one at least, in the order of the text.
    Configured(Vec<Listen>),
    /// Those that systemd passes (`sd_listen_fds(3)`).
    Systemd,
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP port; 0 lets the system choose a free one.
    Tcp(ListenAddress, u16),
    /// A unix socket.
    Unix(UnixListen),
    /// A port for virtual machines and their host.
    Vsock(VsockListen),
}

/// A port of vsock(7) to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VsockListen {
    /// The context id of this machine to be reached by; without, any that it has.
    pub context: Option<u32>,
    /// The port, which has nothing to do with those of TCP.
    pub port: u32,
}

impl fmt::Display for VsockListen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.context {
            Some(context) => write!(formatter, "vsock://{context}:{}", self.port),
            None => write!(formatter, "vsock://:{}", self.port),
        }
    }
}

/// A unix socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixListen {
    /// Where it is made.
    pub path: PathBuf,
    /// Its permissions, such as 0o660; without, what the umask leaves.
    pub mode: Option<u32>,
    /// The name or number of its group; without, the process' own.
    pub group: Option<String>,
}

/// The addresses of the host to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// Every address of both families, IPv4 alone where IPv6 is off.
    Every,
    /// One address.
    One(IpAddr),
}

/// Where pages are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The exporter's own metrics, `/metrics` if not told otherwise.
    pub telemetry: String,
    /// What stands before every path: empty, or `/` and more, without a slash at its end.
    pub prefix: String,
    /// How the exporter is reached from outside, for service discovery.
    pub external: Option<ExternalUrl>,
}

/// How the exporter is reached from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalUrl {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host, and port if it was written.
    pub authority: String,
    /// What stands before every path: empty, or `/` and more, without a slash at its end.
    pub path: String,
}

/// Whether the configuration may be reloaded over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// `POST /-/reload` is answered.
    Enabled,
    /// It is refused.
    Disabled,
}

/// When the configuration is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// On a signal or a request.
    OnDemand,
    /// Also when one of its files has changed.
    OnChange,
}

/// The bounds of all clients together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// The most connections that are served at once; further ones take the
    /// place of idle ones.
    pub max_connections: usize,
    /// The most scrapes that may be under way at once, over all selectors.
    pub max_in_flight: usize,
    /// How long a client may take to send the head of a request.
    pub header_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
}

/// What becomes of rights that the process does not need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// Given up by means of Landlock, where the kernel has it.
    Landlock,
    /// Kept.
    Off,
}
