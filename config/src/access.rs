//! Access control by token and network, for the service and for each selector.

use crate::key::Key;
use crate::table::Table;
use crate::value::{FromValue, describe};
use crate::write::TableWriter;
use config::{Value, ValueKind};
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::PathBuf;

/// Access control, in addition to the users of the web configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// A file with a bearer token (RFC 6750) that requests must carry.
    pub bearer_token_file: Option<PathBuf>,
    /// The networks (RFC 4632) from which requests are accepted; empty means all. The bits
    /// behind the prefix are zero, and an IPv4-mapped network is an IPv4 one.
    pub allow_from: Vec<IpNet>,
}

impl Access {
    pub(crate) const KEYS: &[Key] = &[
        Key::absent::<PathBuf>(
            "bearer_token_file",
            "The file with the bearer token that requests must carry. Without it, no token is needed.",
        ),
        Key::absent::<IpNet>(
            "allow_from",
            "The addresses and networks from which requests are accepted. Without it, all are.",
        )
        .or_list(),
    ];

    /// Whether some requests are refused.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.bearer_token_file.is_some() || !self.allow_from.is_empty()
    }

    pub(crate) fn read(table: &mut Table<'_, '_>) -> Self {
        Self {
            bearer_token_file: table.take("bearer_token_file"),
            allow_from: table.take_list("allow_from").unwrap_or_default(),
        }
    }

    pub(crate) fn write(&self, table: &mut TableWriter) {
        let Self {
            bearer_token_file,
            allow_from,
        } = self;
        table.put_some("bearer_token_file", bearer_token_file.as_ref());
        table.put_list("allow_from", allow_from);
    }
}

impl FromValue for IpNet {
    const TYPE: &'static str = "network";
    const EXPECTED: &'static str =
        "an IP address, or a network such as \"10.0.0.0/8\" or \"fd00::/8\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        let ValueKind::String(text) = &value.kind else {
            return Err(describe(value));
        };
        network(text).ok_or_else(|| describe(value))
    }

    fn expected(value: &Value) -> String {
        let ValueKind::String(text) = &value.kind else {
            return Self::EXPECTED.to_owned();
        };
        match (any_network(text), text.split_once('/')) {
            (Some(network), Some((address, _))) => {
                let network = network.trunc();
                format!("\"{network}\" for the network, or \"{address}\" for the address")
            }
            _ => Self::EXPECTED.to_owned(),
        }
    }
}

/// A network, or the one that consists of a single address. Refuses one with bits that its prefix
/// ignores: either the prefix or the address is wrong.
fn network(text: &str) -> Option<IpNet> {
    let network = any_network(text).filter(|network| network.trunc() == *network);
    network.map(unmapped)
}

/// A network that may have bits beyond its prefix.
///
/// The parts are read one by one, since the parser of `IpNet` accepts addresses that the
/// standard library refuses.
fn any_network(text: &str) -> Option<IpNet> {
    match text.split_once('/') {
        Some((address, prefix)) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
            IpNet::new(address.parse().ok()?, prefix.parse().ok()?).ok()
        }
        Some(_) => None,
        None => Some(IpNet::from(text.parse::<IpAddr>().ok()?)),
    }
}

/// Converts an IPv4-mapped network (RFC 4291, 2.5.5.2) to an IPv4 address, since an IPv4 client on a
/// socket of both families is compared as an IPv4 address. Whatever its prefix, such a network
/// permits its first address only; a range is written as an IPv4 network.
fn unmapped(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V4(_) => None,
        IpNet::V6(network) => network.addr().to_ipv4_mapped(),
    };
    mapped.map_or(network, |address| IpNet::from(IpAddr::V4(address)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn a_single_address_is_the_narrowest_network() {
        let read = |text: &str| network(text).map(|network| network.to_string());
        for (text, expected) in [
            ("192.0.2.7", "192.0.2.7/32"),
            ("::1", "::1/128"),
            ("10.0.0.0/08", "10.0.0.0/8"),
            ("fc00::/7", "fc00::/7"),
            ("::/0", "::/0"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/32"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for wrong in [
            "",
            "10.0.0.0/33",
            "10.1.2.3/8",
            "fd12::9/7",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "010.0.0.1",
            "a",
            "10/8",
        ] {
            assert_eq!(network(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_network_that_is_written_is_read_as_the_same(bits: u128, four: bool, prefix in 0_u8..=128) {
            let address: IpAddr = match four {
                true => Ipv4Addr::from_bits(u32::try_from(bits >> 96).unwrap()).into(),
                false => Ipv6Addr::from_bits(bits).into(),
            };
            let widest = if four { 32 } else { 128 };
            let any = any_network(&format!("{address}/{prefix}"));
            prop_assert_eq!(any.is_some(), prefix <= widest);
            let truncated = any.map(|network| network.trunc().to_string());
            let read = truncated.and_then(|text| network(&text));
            prop_assert_eq!(read.is_some(), prefix <= widest);
            if let Some(read) = read {
                prop_assert_eq!(read.trunc(), read);
                prop_assert_eq!(network(&read.to_string()), Some(read));
                let mapped = address.to_canonical() != address;
                prop_assert!(mapped || read.contains(&address));
            }
        }
    }
}
