//! How a listener is written: the exporter-toolkit's spelling, and unix sockets beside it.

use super::{Listen, ListenAddress, UnixListen, VsockListen};
use crate::value::{FromValue, describe};
use config::{Value, ValueKind};
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

/// The longest path of a unix socket in bytes: `sun_path` less its NUL, unix(7).
const LONGEST_SOCKET_PATH: usize = 107;

impl FromValue for Listen {
    const EXPECTED: &'static str = "\":9598\", \"127.0.0.1:9598\", \"[::1]:9598\" (a name is not \
        looked up), \"unix:/path?mode=0660&group=name\" or \"vsock://:9598\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        let ValueKind::String(text) = &value.kind else {
            return Err(describe(value));
        };
        let read = if let Some(rest) = text.strip_prefix("unix:") {
            unix(rest).map(Self::Unix)
        } else if let Some(rest) = text.strip_prefix("vsock://") {
            vsock(rest).map(Self::Vsock)
        } else {
            tcp(text).map(|(address, port)| Self::Tcp(address, port))
        };
        read.ok_or_else(|| describe(value))
    }
}

fn tcp(text: &str) -> Option<(ListenAddress, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = number(port, 10).and_then(|port| u16::try_from(port).ok())?;
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address = match (host, bracketed) {
        ("", _) => ListenAddress::Every,
        (_, Some(host)) => match host.parse::<Ipv6Addr>().ok()? {
            // As Go listens there, and with it every other exporter: on both families.
            Ipv6Addr::UNSPECIFIED => ListenAddress::Every,
            address => ListenAddress::One(address.into()),
        },
        (host, None) => match host.parse().ok()? {
            IpAddr::V4(address) => ListenAddress::One(address.into()),
            // Nobody could tell its end from the port.
            IpAddr::V6(_) => return None,
        },
    };
    Some((address, port))
}

fn unix(text: &str) -> Option<UnixListen> {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let usable = path.starts_with('/') && path.len() <= LONGEST_SOCKET_PATH && !path.contains('\0');
    if !usable {
        return None;
    }
    let mut listen = UnixListen {
        path: PathBuf::from(path),
        mode: None,
        group: None,
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=')? {
            ("mode", mode) if listen.mode.is_none() => {
                listen.mode = Some(number(mode, 8).filter(|mode| *mode <= 0o777)?);
            }
            ("group", group) if listen.group.is_none() && is_group(group) => {
                listen.group = Some(group.to_owned());
            }
            _ => return None,
        }
    }
    Some(listen)
}

fn vsock(text: &str) -> Option<VsockListen> {
    let (context, port) = text.split_once(':')?;
    // The largest number means "any" (vsock(7)): any context is said by none, and nobody
    // could find any port.
    let certain = |text| number(text, 10).filter(|number| *number != u32::MAX);
    Some(VsockListen {
        context: match context {
            "" => None,
            context => Some(certain(context)?),
        },
        port: certain(port)?,
    })
}

/// Digits alone: a sign would be read too.
fn number(text: &str, radix: u32) -> Option<u32> {
    let digits = text.chars().all(|digit| digit.is_digit(radix));
    digits.then(|| u32::from_str_radix(text, radix).ok())?
}

/// What groups are called, or their numbers (group(5)).
fn is_group(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
    !text.is_empty() && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<Listen> {
        Listen::from_value(&Value::new(None, ValueKind::String(text.to_owned()))).ok()
    }

    fn one(address: &str, port: u16) -> Option<Listen> {
        let address = ListenAddress::One(address.parse().unwrap());
        Some(Listen::Tcp(address, port))
    }

    fn socket(path: &str, mode: Option<u32>, group: Option<&str>) -> Option<Listen> {
        Some(Listen::Unix(UnixListen {
            path: path.into(),
            mode,
            group: group.map(str::to_owned),
        }))
    }

    #[test]
    fn ports_of_every_spelling() {
        let every = Some(Listen::Tcp(ListenAddress::Every, 9598));
        assert_eq!(read(":9598"), every);
        assert_eq!(read("[::]:9598"), every);
        assert_eq!(read("127.0.0.1:0"), one("127.0.0.1", 0));
        assert_eq!(read("0.0.0.0:1"), one("0.0.0.0", 1));
        assert_eq!(read("[::1]:65535"), one("::1", 65535));
        for (text, context, port) in [
            ("vsock://:9598", None, 9598),
            ("vsock://1:0", Some(1), 0),
            ("vsock://:4294967294", None, u32::MAX - 1),
        ] {
            let listen = VsockListen { context, port };
            assert_eq!(read(text), Some(Listen::Vsock(listen)));
            assert_eq!(listen.to_string(), text);
        }
    }

    #[test]
    fn sockets_with_mode_and_group() {
        assert_eq!(read("unix:/run/x"), socket("/run/x", None, None));
        assert_eq!(
            read("unix:/run/x?mode=0660"),
            socket("/run/x", Some(0o660), None)
        );
        let both = socket("/run/x y", Some(0o777), Some("prometheus"));
        assert_eq!(read("unix:/run/x y?group=prometheus&mode=777"), both);
        assert_eq!(
            read("unix:/x?group=65534"),
            socket("/x", None, Some("65534"))
        );
    }

    #[test]
    fn what_is_no_listener() {
        for wrong in [
            "",
            "9598",
            ":",
            ":65536",
            ":+1",
            ":http",
            "localhost:9598",
            "::1:9598",
            "[127.0.0.1]:1",
            "[::1]",
            "http://:9598",
            "unix:",
            "unix:run/x",
            "unix://run/x?mode=9",
            "unix:/x?mode=1777",
            "unix:/x?mode=",
            "unix:/x?mode=600&mode=660",
            "unix:/x?owner=a",
            "unix:/x?group=",
            "unix:/x?group=a b",
            "vsock://host:9598",
            "vsock://4294967295:9598",
            "vsock://9598",
            "vsock://:",
            "vsock://:4294967295",
            "vsock::1",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read(&format!("unix:/{}", "x".repeat(107))), None);
        assert!(read(&format!("unix:/{}", "x".repeat(106))).is_some());
    }

    proptest! {
        #[test]
        fn every_address_with_a_port_is_one(address: std::net::SocketAddr) {
            let every = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
            // A scope belongs to addresses of one link, which are not listened on.
            let address = std::net::SocketAddr::new(address.ip(), address.port());
            let expected = if every { ListenAddress::Every } else { ListenAddress::One(address.ip()) };
            prop_assert_eq!(read(&address.to_string()), Some(Listen::Tcp(expected, address.port())));
        }

        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            if let Some(Listen::Unix(unix)) = read(&format!("unix:{text}")) {
                prop_assert!(unix.path.is_absolute() && unix.path.as_os_str().len() <= 107);
            }
        }
    }
}
