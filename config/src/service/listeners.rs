//! The listeners: which sockets accept requests.

use crate::key::Key;
use crate::table::Table;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// The sockets that accept requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listeners {
    /// Listeners of the process itself, at least one, in the order of the text.
    Configured(Vec<Listen>),
    /// The sockets that systemd passes (`sd_listen_fds(3)`).
    Systemd,
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP port; with 0 the system chooses a free one.
    Tcp(ListenAddress, u16),
    /// A unix socket.
    Unix(UnixListen),
    /// A vsock(7) port, for virtual machines and their host.
    Vsock(VsockListen),
}

/// The addresses of the host to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// Every address of both families; of IPv4 only, if IPv6 is disabled.
    Every,
    /// One address.
    One(IpAddr),
}

/// A unix socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixListen {
    /// The path at which it is created.
    pub path: PathBuf,
    /// Its mode, such as 0o660; without it, the umask decides.
    pub mode: Option<u32>,
    /// The name or number of its group; without it, the group of the process.
    pub group: Option<String>,
}

/// A port of vsock(7) to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VsockListen {
    /// The context id of this machine to listen on; without it, every one that it has.
    pub context: Option<u32>,
    /// The port; unrelated to TCP ports.
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

impl Listeners {
    pub(super) const KEYS: &[Key] = &[
        Key::absent::<Listen>(
            "listen",
            "The listeners. Without it, `address` and `port` describe the only one.",
        )
        .or_list()
        .at_restart(),
        Key::absent::<IpAddr>(
            "address",
            "The address to listen on, an older alternative to `listen`. Without it, every \
             address of the host.",
        )
        .at_restart(),
        Key::with_default::<u16>(
            "port",
            "9598",
            "The TCP port to listen on, an older alternative to `listen`; 0 for any free port.",
        )
        .at_restart(),
        Key::with_default::<bool>(
            "systemd_socket",
            "false",
            "Listens on the sockets that systemd passes instead of those configured.",
        )
        .at_restart(),
    ];

    /// Reads the listeners; `None` if a key has an error.
    pub(super) fn read(table: &mut Table<'_, '_>) -> Option<Self> {
        let both =
            table.contains("listen") && (table.contains("address") || table.contains("port"));
        if both {
            let found = "`listen` together with `address` or `port`".to_owned();
            table.reject_valid("listen", found, "only one of the two");
        }
        let listened = table.contains("listen");
        let listens = table.take_list::<Listen>("listen");
        let address = table.take("address").map(ListenAddress::One);
        let port = table.take("port");
        if table.take("systemd_socket")? {
            return Some(Self::Systemd);
        }
        let listens = match listened {
            true => listens?,
            false => vec![Listen::Tcp(address.unwrap_or(ListenAddress::Every), port?)],
        };
        Some(Self::Configured(listens))
    }
}
