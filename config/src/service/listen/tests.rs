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
fn other_strings_are_no_listeners() {
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
fn the_error_names_the_invalid_part() {
    let long = format!("unix:/{}", "x".repeat(107));
    for (wrong, expected) in [
        (":99999", PORT),
        ("[::1]:http", PORT),
        ("[::1]", Listen::EXPECTED),
        ("other:1", Listen::EXPECTED),
        (
            "localhost:1",
            "\"127.0.0.1:1\" or \"[::1]:1\" (a name is not looked up)",
        ),
        ("*:1", "\":1\" for all addresses"),
        (
            "9598",
            "\":9598\" for all addresses, or \"127.0.0.1:9598\" for this host only",
        ),
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
        // A scope id belongs to link-local addresses, which are not supported.
        let address = std::net::SocketAddr::new(address.ip(), address.port());
        let expected = if every { ListenAddress::Every } else { ListenAddress::One(address.ip()) };
        prop_assert_eq!(read(&address.to_string()), Some(Listen::Tcp(expected, address.port())));
    }

    #[test]
    fn a_unix_socket_has_an_absolute_path_of_at_most_107_bytes(text in any::<String>()) {
        if let Some(Listen::Unix(unix)) = read(&format!("unix:{text}")) {
            prop_assert!(unix.path.is_absolute() && unix.path.as_os_str().len() <= 107);
        }
    }
}
