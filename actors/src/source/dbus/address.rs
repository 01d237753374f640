//! The addresses of a bus, and the kind of their sockets. Connects to nothing.

use crate::source::kind::Sockets;
use local_exporter_config::{Bus, BusAddress, bus_addresses};
use std::path::PathBuf;

/// The addresses of a bus, in the order in which they are tried (D-Bus specification, "Well-known
/// Message Bus Instances").
pub(super) fn addresses(bus: &Bus) -> Vec<BusAddress> {
    match bus {
        Bus::System => of_variable("DBUS_SYSTEM_BUS_ADDRESS", || {
            "/var/run/dbus/system_bus_socket".into()
        }),
        Bus::Session => of_variable("DBUS_SESSION_BUS_ADDRESS", || {
            runtime_directory().join("bus")
        }),
        Bus::Address(list) => bus_addresses(list),
    }
}

/// The kinds of sockets of a bus.
pub(super) fn sockets(bus: &Bus) -> Sockets {
    let is_abstract = |address: &BusAddress| matches!(address, BusAddress::Abstract(_));
    if addresses(bus).iter().any(is_abstract) {
        Sockets::Abstract
    } else {
        Sockets::ByPath
    }
}

/// The path that must be usable, if the bus has one address and it is a path. One of several
/// addresses may be unusable.
pub(super) fn required_path(bus: &Bus) -> Option<PathBuf> {
    match <[BusAddress; 1]>::try_from(addresses(bus)) {
        Ok([BusAddress::Path(path)]) => Some(path),
        _ => None,
    }
}

/// The addresses in an environment variable, or the well-known path if it is unset or empty.
fn of_variable(name: &str, well_known: impl Fn() -> PathBuf) -> Vec<BusAddress> {
    match std::env::var(name) {
        Ok(list) if !list.is_empty() => bus_addresses(&list),
        _ => vec![BusAddress::Path(well_known())],
    }
}

/// The directory in which the user's session bus listens.
fn runtime_directory() -> PathBuf {
    let by_uid = || format!("/run/user/{}", rustix::process::geteuid().as_raw()).into();
    std::env::var_os("XDG_RUNTIME_DIR").map_or_else(by_uid, PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_whether_its_socket_has_a_path() {
        let cases = [
            ("unix:path=/run/dbus/system_bus_socket", Sockets::ByPath),
            ("unix:path=/run/abstract=x", Sockets::ByPath),
            ("unix:abstract=/tmp/dbus-x", Sockets::Abstract),
            ("unix:path=/run/a;unix:abstract=x", Sockets::Abstract),
        ];
        for (list, expected) in cases {
            let bus = Bus::Address(list.to_owned());
            assert_eq!(sockets(&bus), expected, "{list}");
        }
    }

    #[test]
    fn only_a_path_without_an_alternative_is_required() {
        let cases = [
            ("unix:path=/run/a%20b", Some("/run/a b")),
            ("unix:path=/run/a;unix:path=/run/b", None),
            ("unix:abstract=x", None),
        ];
        for (list, expected) in cases {
            let bus = Bus::Address(list.to_owned());
            assert_eq!(required_path(&bus), expected.map(PathBuf::from), "{list}");
        }
    }
}
