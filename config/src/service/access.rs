//! Who may ask: tokens and networks, for the service and for each selector alike.

use super::{Access, Network};
use crate::table::Table;
use crate::value::{FromValue, describe};
use config::{Value, ValueKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

impl Access {
    pub(crate) fn read(table: &mut Table<'_, '_>) -> Self {
        Self {
            bearer_token_file: table.take("bearer_token_file"),
            allow_from: table.take_list("allow_from").unwrap_or_default(),
        }
    }
}

impl FromValue for Network {
    const EXPECTED: &'static str =
        "an IP address, or a network such as \"10.0.0.0/8\" or \"fd00::/8\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        let ValueKind::String(text) = &value.kind else {
            return Err(describe(value));
        };
        parse(text).ok_or_else(|| describe(value))
    }
}

fn parse(text: &str) -> Option<Network> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address.parse().ok()?, Some(prefix)),
        None => (text.parse().ok()?, None),
    };
    let widest = match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    };
    let prefix = match prefix {
        // Digits alone: a sign would be read too.
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        Some(_) => return None,
        None => widest,
    };
    (prefix <= widest).then(|| Network {
        address: first(address, prefix),
        prefix,
    })
}

/// The address with all bits behind the prefix zero, as everybody reads `10.1.2.3/8`.
fn first(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_single_address_is_the_narrowest_network() {
        let network =
            |text: &str| parse(text).map(|network| (network.address.to_string(), network.prefix));
        assert_eq!(network("192.0.2.7"), Some(("192.0.2.7".into(), 32)));
        assert_eq!(network("::1"), Some(("::1".into(), 128)));
        assert_eq!(network("10.1.2.3/8"), Some(("10.0.0.0".into(), 8)));
        assert_eq!(network("fd12::9/7"), Some(("fc00::".into(), 7)));
        assert_eq!(network("::/0"), Some(("::".into(), 0)));
        for wrong in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "a",
            "10/8",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bits: u128, four: bool, prefix in 0_u8..=128) {
            let address: IpAddr = match four {
                true => Ipv4Addr::from_bits(u32::try_from(bits >> 96).unwrap()).into(),
                false => Ipv6Addr::from_bits(bits).into(),
            };
            let widest = if four { 32 } else { 128 };
            let read = parse(&format!("{address}/{prefix}"));
            prop_assert_eq!(read.is_some(), prefix <= widest);
            if let Some(network) = read {
                // Masking again changes nothing, and the prefix of the address stands.
                prop_assert_eq!(first(network.address, prefix), network.address);
                prop_assert_eq!(parse(&format!("{}/{prefix}", network.address)), Some(network));
                prop_assert_eq!(first(address, prefix), network.address);
            }
        }
    }
}
