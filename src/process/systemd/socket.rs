//! The socket of the service manager, from `NOTIFY_SOCKET` (`sd_notify(3)`).
//!
//! It is connected at startup, since confinement forbids connecting to abstract sockets later. Sending
//! is asynchronous: it blocks no thread while the manager is busy.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

const VARIABLE: &str = "NOTIFY_SOCKET";

/// The connection to the service manager that started the exporter.
#[derive(Debug)]
pub struct ServiceManager(UnixDatagram);

impl ServiceManager {
    /// The service manager that the environment names. An unusable socket is logged.
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        let address = std::env::var_os(VARIABLE)?;
        match Self::at(&address) {
            Ok(manager) => Some(manager),
            Err(error) => {
                let path = address.to_string_lossy();
                tracing::warn!(%error, %path, "cannot connect to the service manager (NOTIFY_SOCKET)");
                None
            }
        }
    }

    fn at(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes() {
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            [b'@', abstract_name @ ..] => SocketAddr::from_abstract_name(abstract_name)?,
            _ => {
                let message = "expected an absolute path, or @ and an abstract name";
                return Err(io::Error::new(io::ErrorKind::Unsupported, message));
            }
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        Ok(Self(socket))
    }

    /// The socket, registered with the current runtime.
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
    fn the_address_is_a_path_or_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("local-exporter-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        let mut received = [0; 16];
        for (place, manager) in [
            (path.clone().into_os_string(), &by_path),
            (format!("@{name}").into(), &by_name),
        ] {
            let socket = ServiceManager::at(&place).unwrap().0;
            socket.send(b"READY=1").unwrap();
            let length = manager.recv(&mut received).unwrap();
            assert_eq!(received.get(..length), Some(b"READY=1".as_slice()));
        }
        for bad in ["", "relative", "vsock:2:1234", "/nowhere/notify"] {
            assert!(ServiceManager::at(bad.as_ref()).is_err(), "{bad}");
        }
    }
}
