//! Bound listeners, and the backlog and errors that all kinds share.

use local_exporter_config::VsockListen;
use socket2::Socket;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

/// Connections that may wait to be accepted; the kernel may allow fewer (listen(2)).
pub(super) const BACKLOG: i32 = 4096;

/// A bound listener of any kind.
#[derive(Debug)]
pub enum Listener {
    /// A TCP port.
    Tcp(TcpListener),
    /// A unix socket.
    Unix(UnixListener),
    /// A vsock port, and the address it was configured with.
    Vsock(Socket, VsockListen),
}

/// Adds the address to an error: `cannot listen on ADDRESS: ERROR`.
pub(super) fn bind_error(address: impl std::fmt::Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
}
