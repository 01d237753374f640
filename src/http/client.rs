//! How a client reached the exporter: its address and the scheme of its connection.

use std::net::IpAddr;

/// The client's end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A client with an IP address.
    Ip(IpAddr),
    /// A client on this host, connected through a unix socket. It has no address; the
    /// permissions of the socket have already admitted it.
    Local,
    /// A client without a known address: in no network.
    Unknown,
}

impl std::fmt::Display for Peer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(formatter),
            Self::Local => formatter.write_str("unix"),
            Self::Unknown => formatter.write_str("unknown"),
        }
    }
}

/// The scheme of a connection, for pages that print the exporter's own address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The scheme as in a URL.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}
