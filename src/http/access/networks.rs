//! Where clients are, and which networks they may be in.
//!
//! Pure.

use crate::http::client::Peer;
use local_exporter_config::IpNet;
use std::net::IpAddr;

/// Whether a client is in one of the networks; any is, where none is listed.
pub(super) fn allow(networks: &[IpNet], peer: Option<&Peer>) -> bool {
    networks.is_empty()
        || match peer {
            Some(Peer::At(address)) => networks.iter().any(|network| has(*network, *address)),
            Some(Peer::Local) => true,
            Some(Peer::Unknown) | None => false,
        }
}

/// Whether an address is in a network. An IPv4 client on a socket of both families has an
/// IPv4-mapped IPv6 address, which is compared as the IPv4 address.
fn has(network: IpNet, address: IpAddr) -> bool {
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
    fn a_network_has_the_addresses_with_its_leading_bits() {
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
            let found = has(network(text), address.parse().unwrap());
            assert_eq!(found, expected, "{address} in {text}");
        }
    }

    #[test]
    fn who_has_no_address_passes_only_on_this_host() {
        let networks = [network("127.0.0.0/8")];
        assert!(allow(&networks, Some(&Peer::Local)));
        assert!(!allow(&networks, Some(&Peer::Unknown)));
        assert!(!allow(&networks, None));
        assert!(
            allow(&[], None),
            "where no network is listed, all are allowed"
        );
    }
}
