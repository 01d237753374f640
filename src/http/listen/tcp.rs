//! TCP listeners on one address or on all addresses.

use super::listener::{BACKLOG, bind_error};
use local_exporter_config::ListenAddress;
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// Binds one address, or all addresses of IPv4 and IPv6.
pub(super) fn bind(address: ListenAddress, port: u16) -> io::Result<TcpListener> {
    let (address, families) = match address {
        ListenAddress::One(address) => (SocketAddr::new(address, port), Families::One),
        ListenAddress::Every => {
            let every = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
            match bind_one(every, Families::Both) {
                Ok(listener) => return Ok(listener),
                Err(error) if ipv6_is_unavailable(&error) => {
                    tracing::debug!("IPv6 is not available; listening on IPv4 only");
                    let every = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
                    (every, Families::One)
                }
                Err(error) => return Err(bind_error(every, &error)),
            }
        }
    };
    let bound = match (bind_one(address, families), families) {
        (Err(error), Families::One)
            if Errno::from_io_error(&error) == Some(Errno::ADDRNOTAVAIL) =>
        {
            bind_absent(address)
        }
        (bound, _) => bound,
    };
    bound.map_err(|error| bind_error(address, &error))
}

/// Binds an address that no interface has yet, such as one that a network service adds later
/// (ip(7), `IP_FREEBIND`).
fn bind_absent(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, Families::One)?;
    match address {
        SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
        SocketAddr::V6(_) => socket.set_freebind_v6(true)?,
    }
    let listener = listen(socket, address)?;
    tracing::warn!(%address, "no interface has this address now; scrapes reach it once one has");
    Ok(listener)
}

/// Whether an IPv6 socket also takes IPv4 connections (ipv6(7), `IPV6_V6ONLY`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Families {
    One,
    Both,
}

fn bind_one(address: SocketAddr, families: Families) -> io::Result<TcpListener> {
    listen(socket(address, families)?, address)
}

fn socket(address: SocketAddr, families: Families) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(families == Families::One)?;
    }
    // Allows a restart while connections of the previous process are in TIME_WAIT.
    socket.set_reuse_address(true)?;
    Ok(socket)
}

fn listen(socket: Socket, address: SocketAddr) -> io::Result<TcpListener> {
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Whether the kernel has no IPv6, or no interface has an IPv6 address.
fn ipv6_is_unavailable(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn all_addresses_include_ipv4_and_ipv6() {
        let listener = bind(ListenAddress::Every, 0).unwrap();
        let port = listener.local_addr().unwrap().port();
        let connects = |address: SocketAddr| std::net::TcpStream::connect(address).is_ok();
        assert!(connects((Ipv4Addr::LOCALHOST, port).into()));
        // Without IPv6 on this host, there is no address to connect from.
        if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            assert!(connects((Ipv6Addr::LOCALHOST, port).into()));
        }
    }

    #[test]
    fn an_address_that_no_interface_has_yet_is_bound() {
        // Of the networks for documentation (RFC 5737, RFC 3849).
        for address in ["192.0.2.1", "2001:db8::1"] {
            let address: std::net::IpAddr = address.parse().unwrap();
            match bind(ListenAddress::One(address), 0) {
                Ok(listener) => assert_eq!(listener.local_addr().unwrap().ip(), address),
                // Without IPv6 on this host.
                Err(error) => assert!(address.is_ipv6(), "{error}"),
            }
        }
    }

    #[test]
    fn an_address_in_use_is_named() {
        let address = ListenAddress::One(Ipv4Addr::LOCALHOST.into());
        let first = bind(address, 0).unwrap();
        let in_use = first.local_addr().unwrap();
        let error = bind(address, in_use.port()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&in_use.to_string()), "{error}");
    }

    #[test]
    fn only_a_missing_address_family_causes_the_fallback() {
        let unavailable = |error: Errno| ipv6_is_unavailable(&error.into());
        assert!(unavailable(Errno::AFNOSUPPORT));
        assert!(unavailable(Errno::ADDRNOTAVAIL));
        assert!(!unavailable(Errno::ADDRINUSE));
        assert!(!unavailable(Errno::ACCESS));
    }
}
