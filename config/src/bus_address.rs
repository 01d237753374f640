//! Server addresses of D-Bus: lists of addresses with escaped values.
//!
//! The rules are those of the D-Bus specification ("Server Addresses"). Bytes that the
//! specification requires to be escaped are also accepted unescaped, as sd-bus does.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// One address of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusAddress {
    /// Transport `unix` with a path, decoded.
    Path(PathBuf),
    /// Transport `unix` with an abstract name, decoded, without its leading null byte.
    Abstract(Vec<u8>),
    /// An address of another transport, or an invalid one, as written.
    Other(String),
}

/// The addresses of a list, in its order. Empty elements are left out.
#[must_use]
pub fn bus_addresses(list: &str) -> Vec<BusAddress> {
    let elements = list.split(';').filter(|element| !element.is_empty());
    let address =
        |element| unix(element).unwrap_or_else(|| BusAddress::Other(String::from(element)));
    elements.map(address).collect()
}

/// Whether a text is a list of one or more addresses of transport `unix`.
pub(crate) fn is_unix_list(text: &str) -> bool {
    let addresses = bus_addresses(text);
    let is_other = |address: &BusAddress| matches!(address, BusAddress::Other(_));
    !addresses.is_empty() && !addresses.iter().any(is_other)
}

/// An address of transport `unix`, with a path or an abstract name and optionally a guid.
fn unix(element: &str) -> Option<BusAddress> {
    let mut socket = None;
    for pair in element.strip_prefix("unix:")?.split(',') {
        let (key, value) = pair.split_once('=')?;
        let value = unescape(value)?;
        let found = match key {
            "path" if value.starts_with(b"/") => {
                BusAddress::Path(PathBuf::from(OsString::from_vec(value)))
            }
            "abstract" if !value.is_empty() => BusAddress::Abstract(value),
            "guid" if value.len() == 32 && value.iter().all(u8::is_ascii_hexdigit) => continue,
            _ => return None,
        };
        if socket.replace(found).is_some() {
            return None;
        }
    }
    socket
}

/// A value with each `%` and two hexadecimal digits replaced by their byte. `None` if digits are
/// missing, or if the byte is null, which no path contains.
fn unescape(value: &str) -> Option<Vec<u8>> {
    let mut bytes = value.bytes();
    let mut decoded = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            byte => byte,
        };
        if byte == 0 {
            return None;
        }
        decoded.push(byte);
    }
    Some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_and_values_are_decoded() {
        let path = |text: &str| BusAddress::Path(text.into());
        let other = |text: &str| BusAddress::Other(text.to_owned());
        let cases = [
            ("unix:path=/run/bus", vec![path("/run/bus")]),
            ("unix:path=%2frun/a%20b%2C%3b", vec![path("/run/a b,;")]),
            ("unix:path=/run/a b@c", vec![path("/run/a b@c")]),
            (
                "unix:path=/a;unix:abstract=%2Fb,guid=0123456789abcdef0123456789abcdef;",
                vec![path("/a"), BusAddress::Abstract(b"/b".to_vec())],
            ),
            (
                "tcp:host=localhost,port=1;unix:path=/a",
                vec![other("tcp:host=localhost,port=1"), path("/a")],
            ),
            ("", vec![]),
            (";", vec![]),
            ("unix:path=/a%2", vec![other("unix:path=/a%2")]),
            ("unix:path=/a%zz", vec![other("unix:path=/a%zz")]),
            ("unix:path=/a%00", vec![other("unix:path=/a%00")]),
        ];
        for (list, expected) in cases {
            assert_eq!(bus_addresses(list), expected, "{list}");
        }
    }

    #[test]
    fn a_configured_list_contains_only_unix_sockets() {
        let cases = [
            ("unix:path=/run/dbus/system_bus_socket", true),
            ("unix:path=/a;unix:path=/b", true),
            (
                "unix:abstract=/tmp/bus,guid=0123456789abcdef0123456789abcdef",
                true,
            ),
            ("unix:abstract=/tmp/bus,guid=00", false),
            ("unix:abstract=", false),
            ("unix:path=relative", false),
            ("unix:pathpath=/a", false),
            ("unix:path=/a,abstract=b", false),
            ("unix:path=/a,path=/b", false),
            ("unix:path=/a;tcp:host=localhost,port=1", false),
            ("unix:guid=0123456789abcdef0123456789abcdef", false),
            ("/run/dbus/system_bus_socket", false),
            ("unix:", false),
            (";", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_unix_list(text), expected, "{text}");
        }
    }
}
