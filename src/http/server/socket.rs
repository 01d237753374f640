//! Accepted sockets of every kind.
//!
//! A new kind of socket is a variant of [`ClientSocket`].

use crate::http::client::Peer;
use actix_web::rt::net::{TcpStream, UnixStream};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Time for which sent bytes may stay unacknowledged, or unsent because of a closed window
/// (tcp(7), `TCP_USER_TIMEOUT`).
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

/// Size of the kernel's send buffer, in bytes; it allocates twice that, socket(7). By default
/// it grows to megabytes, and the next slice of a body would be requested only after a slow
/// client has read a third of them.
const SEND_BUFFER: usize = 256 * 1024;

/// An accepted socket.
#[derive(Debug)]
pub(super) enum ClientSocket {
    /// TCP.
    Tcp(TcpStream),
    /// A unix socket.
    Unix(UnixStream),
    /// vsock, with the type of a unix socket; see `vsock`.
    Vsock(UnixStream),
}

/// A readable and writable stream.
trait Stream: AsyncRead + AsyncWrite {}
impl<S: AsyncRead + AsyncWrite> Stream for S {}

impl From<TcpStream> for ClientSocket {
    fn from(stream: TcpStream) -> Self {
        limit_stalls(&stream);
        Self::Tcp(stream)
    }
}

impl From<UnixStream> for ClientSocket {
    fn from(stream: UnixStream) -> Self {
        Self::Unix(stream)
    }
}

/// Makes the kernel end the connection of a client that has stopped reading, and buffer
/// little for a slow one.
fn limit_stalls(connection: &TcpStream) {
    let socket = socket2::SockRef::from(connection);
    let result = socket
        .set_tcp_user_timeout(Some(TCP_USER_TIMEOUT))
        .and_then(|()| socket.set_send_buffer_size(SEND_BUFFER));
    if let Err(error) = result {
        tracing::debug!(%error, "cannot set TCP limits of a connection");
    }
}

impl ClientSocket {
    /// The client.
    pub(super) fn peer(&self) -> Peer {
        match self {
            Self::Tcp(stream) => match stream.peer_addr() {
                Ok(address) => Peer::Ip(address.ip().to_canonical()),
                Err(_) => Peer::Unknown,
            },
            Self::Unix(_) => Peer::Local,
            // A context ID is not an IP address, and no file permission has admitted the client.
            Self::Vsock(_) => Peer::Unknown,
        }
    }

    fn stream(&mut self) -> Pin<&mut (dyn Stream + Unpin)> {
        match self {
            Self::Tcp(stream) => Pin::new(stream),
            Self::Unix(stream) | Self::Vsock(stream) => Pin::new(stream),
        }
    }
}

impl AsyncRead for ClientSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().stream().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[actix_web::test]
    async fn the_kernel_limits_tcp_connections() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        limit_stalls(&stream);
        let socket = socket2::SockRef::from(&stream);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(TCP_USER_TIMEOUT));
        assert_eq!(socket.send_buffer_size().unwrap(), 2 * SEND_BUFFER);
    }
}
