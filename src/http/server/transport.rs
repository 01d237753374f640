//! The bytes below HTTP: a socket with or without TLS.
//!
//! The handshake is driven by the caller, which limits its time. No byte of HTTP is read or
//! written before it is complete.

use super::socket::ClientSocket;
use crate::http::client::Peer;
use actix_http::Protocol;
use rustls::ServerConfig;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// A socket, with or without TLS.
pub(super) enum Transport {
    /// Without TLS.
    Plain(ClientSocket),
    /// During a TLS handshake; cannot be read or written.
    Handshake(Box<Accept<ClientSocket>>),
    /// With TLS.
    Tls(Box<TlsStream<ClientSocket>>),
}

/// A readable and writable stream.
trait Stream: AsyncRead + AsyncWrite {}
impl<S: AsyncRead + AsyncWrite> Stream for S {}

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
    /// Begins a TLS handshake if `tls` is set.
    pub(super) fn new(socket: ClientSocket, tls: Option<Arc<ServerConfig>>) -> Self {
        match tls {
            None => Self::Plain(socket),
            Some(tls) => {
                if let ClientSocket::Tcp(stream) = &socket {
                    // TLS records are small; none should wait for the acknowledgement of another.
                    let _ = stream.set_nodelay(true);
                }
                Self::Handshake(Box::new(TlsAcceptor::from(tls).accept(socket)))
            }
        }
    }

    /// Continues the handshake, if there is one. Returns the negotiated protocol.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Protocol>> {
        if let Self::Handshake(accept) = self {
            let stream = ready!(Pin::new(accept.as_mut()).poll(cx))?;
            *self = Self::Tls(Box::new(stream));
        }
        let negotiated = match self {
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol(),
            Self::Plain(_) | Self::Handshake(_) => None,
        };
        Poll::Ready(Ok(match negotiated {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        }))
    }

    /// The client; unknown during the handshake.
    pub(super) fn peer(&self) -> Peer {
        match self {
            Self::Plain(socket) => socket.peer(),
            Self::Handshake(_) => Peer::Unknown,
            Self::Tls(stream) => stream.get_ref().0.peer(),
        }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut (dyn Stream + Unpin)>> {
        match self {
            Self::Plain(socket) => Ok(Pin::new(socket)),
            Self::Handshake(_) => Err(io::ErrorKind::NotConnected.into()),
            Self::Tls(stream) => Ok(Pin::new(stream.as_mut())),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().stream()?.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_shutdown(cx)
    }
}
