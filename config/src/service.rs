//! The settings of the table `[service]`: where to listen, what to serve, to which clients.
//!
//! The values are checked and immutable. Reading them does not access the host.

mod clients;
mod listen;
mod listeners;
mod paths;
pub(crate) mod read;

pub use clients::ClientLimits;
pub use listeners::{Listen, ListenAddress, Listeners, UnixListen, VsockListen};
pub use paths::{ExternalUrl, Paths};

use crate::access::Access;
use std::path::PathBuf;
use std::time::Duration;

/// The table `[service]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The sockets that accept requests.
    pub listeners: Listeners,
    /// The paths of its pages.
    pub paths: Paths,
    /// The file of the exporter-toolkit for TLS, users, headers and rates, if there is one.
    pub web_config: Option<PathBuf>,
    /// The requirement on TLS that this file must meet.
    pub tls: Tls,
    /// Reloads over HTTP.
    pub lifecycle: Lifecycle,
    /// When the configuration is reloaded.
    pub reload: Reload,
    /// Subtracted from the timeout of a scraper.
    pub timeout_offset: Duration,
    /// The limits that apply to all clients together.
    pub clients: ClientLimits,
    /// Access control for all pages.
    pub access: Access,
    /// The self-restriction of the process.
    pub confinement: Confinement,
    /// Directories that stay readable in addition to those that the configuration names at startup.
    pub readable: Vec<PathBuf>,
    /// The handling of drop-ins with errors.
    pub drop_ins: DropIns,
}

/// A requirement on TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// None: the web configuration decides.
    Unspecified,
    /// `tls = true`: the web configuration, which must exist, must configure TLS.
    Required,
    /// `tls = false`: it must not.
    Forbidden,
}

/// The handling of drop-ins with errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropIns {
    /// They are left out, with a warning.
    Lenient,
    /// Their errors are errors of the configuration.
    Strict,
}

/// Reloads over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// `POST /-/reload` reloads the configuration.
    Enabled,
    /// `POST /-/reload` is refused.
    Disabled,
}

/// When the configuration is reloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// On a signal or a request.
    OnDemand,
    /// Also when one of its files changes.
    OnChange,
}

/// The self-restriction of the process to what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// With Landlock, if the kernel supports it.
    Landlock,
    /// Not at all.
    Off,
}
