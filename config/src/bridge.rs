//! The keys of `[bridge]` itself, which hold for the selectors of all kinds.

use crate::dbus_name::Addresses;
use crate::key::Key;
use crate::table::Table;

/// The addresses of the well-known buses, and the user to be there.
#[derive(Debug, Default)]
pub(crate) struct Bridge {
    pub(crate) system_bus_address: Option<String>,
    pub(crate) session_bus_address: Option<String>,
    pub(crate) auth_uid: Option<u32>,
}

impl Bridge {
    pub(crate) const KEYS: &[Key] = &[
        Key::absent::<Addresses>(
            "dbus_system_bus_address",
            "The address of the system bus. Without it, the rules of D-Bus apply \
             (`DBUS_SYSTEM_BUS_ADDRESS`, then the well-known path).",
        ),
        Key::absent::<Addresses>(
            "dbus_session_bus_address",
            "The address of the session bus. Without it, the rules of D-Bus apply \
             (`DBUS_SESSION_BUS_ADDRESS`, then the well-known path).",
        ),
        Key::absent::<u32>(
            "dbus_auth_uid",
            "The uid that the buses see for this process. Without it, they use the one that the kernel \
             reports; only a bus that does not support this needs the key, in nested namespaces.",
        ),
    ];

    pub(crate) fn read(table: &mut Table<'_, '_>) -> Self {
        let mut address = |key| table.take::<Addresses>(key).map(|address| address.0);
        Self {
            system_bus_address: address("dbus_system_bus_address"),
            session_bus_address: address("dbus_session_bus_address"),
            auth_uid: table.take("dbus_auth_uid"),
        }
    }
}
