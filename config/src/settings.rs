//! What the whole configuration says: where to listen, and which selectors there are.
//!
//! Values here are checked and immutable; reading them may not touch the host.

use crate::selector::{Buses, Defaults, Selector, read_selectors};
use crate::table::Table;
use crate::value::{Count, FromValue, describe};
use config::{Value, ValueKind};
use std::net::IpAddr;
use std::time::Duration;

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen.
    pub service: Service,
    /// The selectors, in the order of the text; none is fine.
    pub selectors: Vec<Selector>,
}

/// The `[service]` table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The address to listen on.
    pub address: ListenAddress,
    /// The TCP port; 0 lets the system choose a free one.
    pub port: u16,
    /// What clients may take of the process.
    pub clients: ClientLimits,
    /// Whether the process gives up what it does not need.
    pub confinement: Confinement,
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

/// The addresses of the host to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// Every address of both families, IPv4 alone where IPv6 is off.
    Every,
    /// One address.
    One(IpAddr),
}

impl Settings {
    /// Reads the root table; what is wrong is in the table's report.
    pub(crate) fn read(mut root: Table<'_, '_>) -> Option<Self> {
        let service = Service::read(root.table("service"));
        let mut bridge = root.table("bridge");
        root.finish();

        let buses = Buses::read(&mut bridge);
        let defaults = Defaults::read(bridge.table("defaults"));
        let selectors = read_selectors(bridge.table("selectors"), &buses, defaults);
        bridge.finish();
        Some(Self {
            service: service?,
            selectors,
        })
    }
}

impl Service {
    fn read(mut table: Table<'_, '_>) -> Option<Self> {
        let address = table.take("address").map(ListenAddress::One);
        let port = table.take("port");
        table.take::<PlainHttp>("tls");
        let clients = ClientLimits::read(&mut table);
        let confinement = table.take("landlock").map(|wanted| match wanted {
            true => Confinement::Landlock,
            false => Confinement::Off,
        });
        table.finish();
        Some(Self {
            address: address.unwrap_or(ListenAddress::Every),
            port: port?,
            clients: clients?,
            confinement: confinement?,
        })
    }
}

impl ClientLimits {
    fn read(table: &mut Table<'_, '_>) -> Option<Self> {
        let max_connections = table.take("max_connections").map(|Count(count)| count);
        let max_in_flight = table.take("max_in_flight").map(|Count(count)| count);
        let header_timeout = table.take("header_timeout");
        let idle_timeout = table.take("idle_timeout");
        Some(Self {
            max_connections: max_connections?,
            max_in_flight: max_in_flight?,
            header_timeout: header_timeout?,
            idle_timeout: idle_timeout?,
        })
    }
}

/// `tls = false`: a promise of encryption that is not kept would be worse than a refusal.
struct PlainHttp;

impl FromValue for PlainHttp {
    const EXPECTED: &'static str =
        "false: this version serves plain HTTP only, put a TLS proxy in front of it";

    fn from_value(value: &Value) -> Result<Self, String> {
        match value.kind {
            ValueKind::Boolean(false) => Ok(Self),
            _ => Err(describe(value)),
        }
    }
}
