//! The kind of socket of a bus, according to its address. Connects to nothing.

use crate::source::kind::Sockets;
use local_exporter_config::Bus;

/// The kind of socket of a bus. The default addresses of the well-known buses are paths.
pub(super) fn sockets(bus: &Bus) -> Sockets {
    // The variables with addresses (D-Bus specification, "Well-known Message Bus Instances").
    let variable = |name| std::env::var(name).unwrap_or_default();
    match bus {
        Bus::System => of_address(&variable("DBUS_SYSTEM_BUS_ADDRESS")),
        Bus::Session => of_address(&variable("DBUS_SESSION_BUS_ADDRESS")),
        Bus::Address(address) => of_address(address),
    }
}

/// The kind of an address such as `unix:abstract=NAME,guid=…` (D-Bus specification, "Unix Domain
/// Sockets").
fn of_address(address: &str) -> Sockets {
    let mut parts = address.split([':', ',']);
    if parts.any(|part| part.starts_with("abstract=")) {
        Sockets::Abstract
    } else {
        Sockets::ByPath
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_whether_its_socket_has_a_path() {
        let cases = [
            ("", Sockets::ByPath),
            ("unix:path=/run/dbus/system_bus_socket", Sockets::ByPath),
            ("unix:path=/run/abstract=x,guid=00", Sockets::ByPath),
            ("unix:abstract=/tmp/dbus-x", Sockets::Abstract),
            ("unix:guid=00,abstract=x", Sockets::Abstract),
        ];
        for (address, expected) in cases {
            assert_eq!(of_address(address), expected, "{address}");
        }
    }
}
