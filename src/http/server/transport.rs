//! The bytes below HTTP: a socket of any kind, with TLS or without.
//!
//! A handshake is begun by making a transport and driven by whoever bounds its
//! time; no byte of HTTP passes before it is done. What another kind of socket
//! needs to be served here is a variant of [`Wire`].

use crate::http::body;
use crate::http::client::Peer;
use actix_http::Protocol;
use actix_web::rt::net::{TcpStream, UnixStream};
use rustls::ServerConfig;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// A socket.
#[derive(Debug)]
pub(crate) enum Wire {
    /// Of a TCP port.
    Tcp(TcpStream),
    /// Of a path.
    Unix(UnixStream),
    /// Of a port for virtual machines; only the type is that of a unix socket.
    Vsock(UnixStream),
}

impl From<TcpStream> for Wire {
    fn from(stream: TcpStream) -> Self {
        body::bound_stalls(&stream);
        Self::Tcp(stream)
    }
}

impl From<UnixStream> for Wire {
    fn from(stream: UnixStream) -> Self {
        Self::Unix(stream)
    }
}

impl Wire {
    /// Who is at the other end.
    #[must_use]
    pub(crate) fn peer(&self) -> Peer {
        match self {
            Self::Tcp(stream) => match stream.peer_addr() {
                Ok(address) => Peer::At(address.ip().to_canonical()),
                Err(_) => Peer::Unknown,
            },
            Self::Unix(_) => Peer::Local,
            // A context id is no address, and this host has let nobody in by it.
            Self::Vsock(_) => Peer::Unknown,
        }
    }

    fn bytes(&mut self) -> Pin<&mut (dyn Bytes + Unpin)> {
        match self {
            Self::Tcp(stream) => Pin::new(stream),
            Self::Unix(stream) | Self::Vsock(stream) => Pin::new(stream),
        }
    }
}

/// A socket, and what protects it.
pub(crate) enum Transport {
    /// Nothing does.
    Plain(Wire),
    /// TLS is to: until it does, nothing can be read or written.
    Handshake(Box<Accept<Wire>>),
    /// TLS does.
    Tls(Box<TlsStream<Wire>>),
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Handshake(_) => "Handshake",
            Self::Tls(_) => "Tls",
        })
    }
}

impl Transport {
    /// With TLS, if there is a configuration for it.
    #[must_use]
    pub(crate) fn new(wire: Wire, tls: Option<Arc<ServerConfig>>) -> Self {
        match tls {
            None => Self::Plain(wire),
            Some(tls) => {
                if let Wire::Tcp(stream) = &wire {
                    // Records are small and in turns; none is to wait for another's acknowledgement.
                    let _ = stream.set_nodelay(true);
                }
                Self::Handshake(Box::new(TlsAcceptor::from(tls).accept(wire)))
            }
        }
    }

    /// Goes on with the handshake, if there is to be one, and tells the protocol
    /// that was agreed upon.
    pub(crate) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Protocol>> {
        if let Self::Handshake(accept) = self {
            let stream = ready!(Pin::new(accept.as_mut()).poll(cx))?;
            *self = Self::Tls(Box::new(stream));
        }
        let agreed = match self {
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol(),
            Self::Plain(_) | Self::Handshake(_) => None,
        };
        Poll::Ready(Ok(match agreed {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        }))
    }

    /// Who is at the other end; nobody knows while a handshake is under way.
    #[must_use]
    pub(crate) fn peer(&self) -> Peer {
        match self {
            Self::Plain(wire) => wire.peer(),
            Self::Handshake(_) => Peer::Unknown,
            Self::Tls(stream) => stream.get_ref().0.peer(),
        }
    }

    fn bytes(&mut self) -> io::Result<Pin<&mut (dyn Bytes + Unpin)>> {
        match self {
            Self::Plain(wire) => Ok(wire.bytes()),
            Self::Handshake(_) => Err(io::ErrorKind::NotConnected.into()),
            Self::Tls(stream) => Ok(Pin::new(stream.as_mut())),
        }
    }
}

/// What can be read and written.
trait Bytes: AsyncRead + AsyncWrite {}
impl<S: AsyncRead + AsyncWrite> Bytes for S {}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().bytes().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().bytes().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().bytes().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().bytes().poll_shutdown(cx)
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().bytes()?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().bytes()?.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().bytes()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().bytes()?.poll_shutdown(cx)
    }
}
