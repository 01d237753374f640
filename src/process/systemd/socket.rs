//! The socket to a service manager: where `NOTIFY_SOCKET` says (`sd_notify(3)`).
//!
//! It is connected once, at the start: the confinement allows no abstract socket
//! to be reached later. A send waits while the manager is busy, on no thread.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

const VARIABLE: &str = "NOTIFY_SOCKET";

/// Somebody who started the exporter and wants to hear how it is.
#[derive(Debug)]
pub struct ServiceManager(UnixDatagram);

impl ServiceManager {
    /// The one that the environment names; a socket that is no good is told in the log.
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        let place = std::env::var_os(VARIABLE)?;
        match Self::at(&place) {
            Ok(manager) => Some(manager),
            Err(error) => {
                let socket = place.to_string_lossy();
                tracing::warn!(%error, %socket, "the service manager (NOTIFY_SOCKET) cannot be reached");
                None
            }
        }
    }

    fn at(place: &OsStr) -> io::Result<Self> {
        let address = match place.as_bytes() {
            [b'/', ..] => SocketAddr::from_pathname(place)?,
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => {
                let message = "expected a path, or a name behind an @";
                return Err(io::Error::new(io::ErrorKind::Unsupported, message));
            }
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        Ok(Self(socket))
    }

    /// The socket, for the runtime that this is called in.
    pub(super) fn into_socket(self) -> io::Result<tokio::net::UnixDatagram> {
        self.0.set_nonblocking(true)?;
        tokio::net::UnixDatagram::from_std(self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn it_is_a_path_or_an_abstract_name_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("local-exporter-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        let mut heard = [0; 16];
        for (place, manager) in [
            (path.clone().into_os_string(), &by_path),
            (format!("@{name}").into(), &by_name),
        ] {
            let socket = ServiceManager::at(&place).unwrap().0;
            socket.send(b"READY=1").unwrap();
            let length = manager.recv(&mut heard).unwrap();
            assert_eq!(heard.get(..length), Some(b"READY=1".as_slice()));
        }
        for bad in ["", "relative", "vsock:2:1234", "/nowhere/notify"] {
            assert!(ServiceManager::at(bad.as_ref()).is_err(), "{bad}");
        }
    }
}
