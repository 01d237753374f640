//! Which kind of socket a bus is reached by, as far as its address says so. Connects to nothing.

use crate::source::kind::Sockets;
use local_exporter_config::Bus;

/// The sockets of a bus; the well-known ones have paths.
pub(in crate::source) fn sockets(bus: &Bus) -> Sockets {
    // Where the D-Bus specification has addresses come from ("Well-known Message Bus Instances").
    let variable = |name| std::env::var(name).unwrap_or_default();
    match bus {
        Bus::System => of_address(&variable("DBUS_SYSTEM_BUS_ADDRESS")),
        Bus::Session => of_address(&variable("DBUS_SESSION_BUS_ADDRESS")),
        Bus::Address(address) => of_address(address),
    }
}

/// `unix:abstract=NAME,guid=…` is abstract (D-Bus specification, "Unix Domain Sockets").
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
    fn an_address_says_whether_its_socket_has_a_path() {
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
