//! Kind `dbus`: a D-Bus method without arguments that returns the metrics as bytes (`ay`).

use super::interface::{Caching, KindSettings};
use crate::bridge::Bridge;
use crate::bus_address::is_unix_list;
use crate::dbus_name::{BusName, Method, ObjectPath};
use crate::key::Key;
use crate::table::Table;
use crate::value::{FromValue, describe};
use crate::write::TableWriter;
use config::{Value, ValueKind};

/// The settings of kind `dbus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbusSource {
    /// The bus to connect to.
    pub bus: Bus,
    /// The bus name of the daemon.
    pub destination: String,
    /// The object that has the method.
    pub path: String,
    /// The interface of the method.
    pub interface: String,
    /// The method; it takes no arguments and returns the body.
    pub member: String,
    /// If true, a scrape may start a daemon that is not running.
    pub auto_start: bool,
    /// The uid to authenticate as; detected if it is not given.
    pub auth_uid: Option<u32>,
}

/// A message bus.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Bus {
    /// The system bus, located by the rules of D-Bus.
    System,
    /// The session bus, located by the rules of D-Bus.
    Session,
    /// The bus at an address, or at the first of a list of addresses where one listens.
    /// [`bus_addresses`](crate::bus_addresses) splits it.
    Address(String),
}

impl KindSettings for DbusSource {
    const KEYS: &'static [Key] = &[
        Key::with_default::<BusChoice>(
            "bus",
            "\"system\"",
            "The bus: `system`, `session` or an address.",
        ),
        Key::required::<BusName>("destination", "The bus name of the daemon."),
        Key::required::<Method>("method", "The interface and the method, joined by a dot."),
        Key::required::<ObjectPath>("path", "The object that has the method."),
        Key::with_default::<bool>(
            "auto_start",
            "false",
            "Lets a scrape make the bus start a daemon that is not running.",
        ),
    ];
    const CACHING: Caching = Caching::OnDemand;

    fn read(table: &mut Table<'_, '_>, bridge: &Bridge) -> Option<Self> {
        let choice = table.take("bus");
        let destination = table.require::<BusName>("destination");
        let method = table.require::<Method>("method");
        let path = table.require::<ObjectPath>("path");
        let auto_start = table.take("auto_start").unwrap_or(false);
        let method = method?;
        Some(Self {
            bus: choice.unwrap_or(BusChoice::System).resolve(bridge),
            destination: destination?.0,
            path: path?.0,
            interface: method.interface,
            member: method.member,
            auto_start,
            auth_uid: bridge.auth_uid,
        })
    }

    fn write(&self, selector: &mut TableWriter, bridge: &mut TableWriter) {
        let Self {
            bus,
            destination,
            path,
            interface,
            member,
            auto_start,
            auth_uid,
        } = self;
        selector.put("bus", bus.as_str());
        selector.put("destination", destination);
        selector.put("method", &format!("{interface}.{member}"));
        selector.put("path", path);
        selector.put("auto_start", auto_start);
        // Only the table of all selectors has a key for it.
        bridge.put_some("dbus_auth_uid", auth_uid.as_ref());
    }
}

impl Bus {
    /// Its value in a configuration: a word or an address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::System => "system",
            Self::Session => "session",
            Self::Address(address) => address,
        }
    }
}

/// How a selector names its bus.
#[derive(Debug)]
enum BusChoice {
    System,
    Session,
    Address(String),
}

impl BusChoice {
    /// The bus, for which `[bridge]` may give another address.
    fn resolve(self, bridge: &Bridge) -> Bus {
        let or_at = |address: &Option<String>, bus| address.clone().map_or(bus, Bus::Address);
        match self {
            Self::System => or_at(&bridge.system_bus_address, Bus::System),
            Self::Session => or_at(&bridge.session_bus_address, Bus::Session),
            Self::Address(address) => Bus::Address(address),
        }
    }
}

impl FromValue for BusChoice {
    const TYPE: &'static str = "word or address";
    const EXPECTED: &'static str =
        "\"system\", \"session\" or a bus address such as \"unix:path=/run/bus\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(bus) if bus == "system" => Ok(Self::System),
            ValueKind::String(bus) if bus == "session" => Ok(Self::Session),
            ValueKind::String(bus) if is_unix_list(bus) => Ok(Self::Address(bus.clone())),
            _ => Err(describe(value)),
        }
    }
}
