//! How a client reached the exporter: its address and the scheme of its connection.

use std::net::IpAddr;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// At an address.
    At(IpAddr),
    /// On this host, through a unix socket. Whose permissions it has passed, it
    /// passes: it has no address to compare.
    Local,
    /// Nobody knows: in no network.
    Unknown,
}

/// How a request came, for pages that name the exporter's own address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As it begins a URL.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}
