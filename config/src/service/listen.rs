//! Parses a listener: the syntax of the exporter-toolkit, and unix sockets in addition.

use super::listeners::{Listen, ListenAddress, UnixListen, VsockListen};
use crate::value::path::LONGEST_SOCKET_PATH;
use crate::value::{FromValue, describe};
use config::{Value, ValueKind};
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

impl FromValue for Listen {
    const TYPE: &'static str = "listener";
    const EXPECTED: &'static str = "\":9598\", \"127.0.0.1:9598\", \"[::1]:9598\" (a name is not \
        looked up), \"unix:/path?mode=0660&group=name\" or \"vsock://:9598\"";

    fn from_value(value: &Value) -> Result<Self, String> {
        read(value).map_err(|_| describe(value))
    }

    fn expected(value: &Value) -> String {
        let expected = read(value).err().unwrap_or(Self::EXPECTED);
        suggestion(value).unwrap_or_else(|| expected.to_owned())
    }
}

/// The listener that was probably meant by a bare port or a name.
fn suggestion(value: &Value) -> Option<String> {
    let text = match &value.kind {
        ValueKind::String(text) => text.clone(),
        ValueKind::I64(number) => number.to_string(),
        _ => return None,
    };
    let is_port = |port: &str| number(port, 10).is_some_and(|port| port <= u16::MAX.into());
    if is_port(&text) {
        return Some(format!(
            "\":{text}\" for all addresses, or \"127.0.0.1:{text}\" for this host only"
        ));
    }
    let (host, port) = text.rsplit_once(':').filter(|(_, port)| is_port(port))?;
    match host {
        "localhost" => Some(format!(
            "\"127.0.0.1:{port}\" or \"[::1]:{port}\" (a name is not looked up)"
        )),
        "*" => Some(format!("\":{port}\" for all addresses")),
        _ => None,
    }
}

/// A part of a listener, or what is expected instead of an invalid part.
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
            // On both families, as in Go and thus in every other exporter.
            Ipv6Addr::UNSPECIFIED => ListenAddress::Every,
            address => ListenAddress::One(address.into()),
        },
        (host, None) => match host.parse().ok()? {
            IpAddr::V4(address) => ListenAddress::One(address.into()),
            // Without brackets, its end cannot be distinguished from the port.
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

/// A mode as chmod(1) writes it, without the bits that have no meaning for a socket.
fn permissions(text: &str) -> Option<u32> {
    let mode = number(text, 8).filter(|mode| *mode <= 0o777)?;
    (3..=4).contains(&text.len()).then_some(mode)
}

fn vsock(text: &str) -> Option<VsockListen> {
    let (context, port) = text.split_once(':')?;
    // The largest number means "any" (vsock(7)). Any context is written as none, and any port
    // would be unknown to clients.
    let specific = |text| number(text, 10).filter(|number| *number != u32::MAX);
    Some(VsockListen {
        context: match context {
            "" => None,
            context => Some(specific(context)?),
        },
        port: specific(port)?,
    })
}

/// A number of digits only; the standard parser would accept a sign.
fn number(text: &str, radix: u32) -> Option<u32> {
    let digits = text.chars().all(|digit| digit.is_digit(radix));
    digits.then(|| u32::from_str_radix(text, radix).ok())?
}

/// Returns whether this is the name or the number of a group (group(5)).
fn is_group(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
    !text.is_empty() && text.chars().all(fits)
}

#[cfg(test)]
mod tests;
