//! Checks the address of a client against the allowed networks.
//!
//! Pure.

use crate::http::client::Peer;
use local_exporter_config::IpNet;
use std::net::IpAddr;

/// Whether one of the networks contains the client. If no network is listed, every client is
/// allowed. Clients on unix sockets are always allowed; clients without an address never.
pub(super) fn allow(networks: &[IpNet], peer: Option<&Peer>) -> bool {
    networks.is_empty()
        || match peer {
            Some(Peer::Ip(address)) => networks.iter().any(|network| contains(*network, *address)),
            Some(Peer::Local) => true,
            Some(Peer::Unknown) | None => false,
        }
}

/// Whether a network contains an address. An IPv4 client on a dual-stack socket has an
/// IPv4-mapped IPv6 address, which counts as the IPv4 address.
fn contains(network: IpNet, address: IpAddr) -> bool {
    network.contains(&address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn network(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_contains_the_addresses_with_its_leading_bits() {
        for (text, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("192.0.2.7/32", "192.0.2.7", true),
            ("192.0.2.7/32", "192.0.2.6", false),
            ("192.0.2.0/31", "192.0.2.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db8::1", true),
            ("::1/128", "::1", true),
        ] {
            let found = contains(network(text), address.parse().unwrap());
            assert_eq!(found, expected, "{address} in {text}");
        }
    }

    #[test]
    fn without_an_address_only_local_clients_are_allowed() {
        let networks = [network("127.0.0.0/8")];
        assert!(allow(&networks, Some(&Peer::Local)));
        assert!(!allow(&networks, Some(&Peer::Unknown)));
        assert!(!allow(&networks, None));
        assert!(allow(&[], None), "an empty list allows every client");
    }
}
