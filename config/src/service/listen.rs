//! How a listener is written: the exporter-toolkit's spelling, and unix sockets beside it.

use super::{Listen, ListenAddress, UnixListen, VsockListen};
use crate::value::{FromValue, describe};
use config::{Value, ValueKind};
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

/// The longest path of a unix socket in bytes: `sun_path` less its NUL, unix(7).
const LONGEST_SOCKET_PATH: usize = 107;

impl FromValue for Listen {
    const TYPE: &'static str = "listener";
    const EXPECTED: &'static str = "\":9598\", \"127.0.0.1:9598\", \"[::1]:9598\" (a name is not \
        looked up), \"unix:/path?mode=0660&group=name\" or \"vsock://:9598\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        read(value).map_err(|_| describe(value))
    }

    fn expected(value: &Value) -> String {
        read(value).err().unwrap_or(Self::EXPECTED).to_owned()
    }
}

/// A listener, or what is expected in the place of what is wrong about it.
type Read<T> = Result<T, &'static str>;

const PORT: &str = "a port from 0 to 65535 after the last colon";
const SOCKET: &str = "an absolute path after `unix:`";
const SHORTER_SOCKET: &str = "a path of at most 107 bytes (unix(7))";
const OPTION: &str = "only the options `mode=` and `group=`, each once, after the `?`";
const MODE: &str = "a mode of three or four octal digits, at most 0777";
const GROUP: &str = "the name or the number of a group after `group=`";
const VSOCK: &str =
    "\"vsock://:PORT\" or \"vsock://CONTEXT:PORT\" with numbers below 4294967295 (vsock(7))";

fn read(value: &Value) -> Read<Listen> {
    let ValueKind::String(text) = &value.kind else {
        return Err(Listen::EXPECTED);
    };
    if let Some(rest) = text.strip_prefix("unix:") {
        unix(rest).map(Listen::Unix)
    } else if let Some(rest) = text.strip_prefix("vsock://") {
        vsock(rest).map(Listen::Vsock).ok_or(VSOCK)
    } else {
        let (host, port) = text.rsplit_once(':').ok_or(Listen::EXPECTED)?;
        let address = tcp_address(host).ok_or(Listen::EXPECTED)?;
        let port = number(port, 10).and_then(|port| u16::try_from(port).ok());
        Ok(Listen::Tcp(address, port.ok_or(PORT)?))
    }
}

fn tcp_address(host: &str) -> Option<ListenAddress> {
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    Some(match (host, bracketed) {
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
    })
}

fn unix(text: &str) -> Read<UnixListen> {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    if !path.starts_with('/') || path.contains('\0') {
        return Err(SOCKET);
    }
    if path.len() > LONGEST_SOCKET_PATH {
        return Err(SHORTER_SOCKET);
    }
    let mut listen = UnixListen {
        path: PathBuf::from(path),
        mode: None,
        group: None,
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("mode", mode)) if listen.mode.is_none() => {
                listen.mode = Some(permissions(mode).ok_or(MODE)?);
            }
            Some(("group", group)) if listen.group.is_none() => {
                let group = Some(group).filter(|group| is_group(group)).ok_or(GROUP)?;
                listen.group = Some(group.to_owned());
            }
            _ => return Err(OPTION),
        }
    }
    Ok(listen)
}

/// A mode as chmod(1) writes it, without what means nothing to a socket.
fn permissions(text: &str) -> Option<u32> {
    let mode = number(text, 8).filter(|mode| *mode <= 0o777)?;
    (3..=4).contains(&text.len()).then_some(mode)
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
            "unix:/x?mode=60",
            "unix:/x?mode=00600",
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

    #[test]
    fn what_is_wrong_about_one_is_said() {
        let long = format!("unix:/{}", "x".repeat(107));
        for (wrong, expected) in [
            (":99999", PORT),
            ("[::1]:http", PORT),
            ("[::1]", Listen::EXPECTED),
            ("localhost:1", Listen::EXPECTED),
            ("unix:run/x", SOCKET),
            (&long, SHORTER_SOCKET),
            ("unix:/x?mode=999", MODE),
            ("unix:/x?mode=", MODE),
            ("unix:/x?foo=1", OPTION),
            ("unix:/x?mode", OPTION),
            ("unix:/x?mode=600&mode=660", OPTION),
            ("unix:/x?group=a b", GROUP),
            ("vsock://host:1", VSOCK),
        ] {
            let value = Value::new(None, ValueKind::String(wrong.to_owned()));
            assert_eq!(Listen::expected(&value), expected, "{wrong}");
        }
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
