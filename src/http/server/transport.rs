//! The bytes below HTTP: a socket with or without TLS.
//!
//! The handshake is driven by the caller, which limits its time. No byte of HTTP is read or
//! written before it is complete.

use super::prefixed::{self, PrefixedSocket};
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
    /// Before the first bytes of a TLS handshake; cannot be read or written. Without a socket
    /// only while it is moved.
    Opening(Option<PrefixedSocket>, Arc<ServerConfig>),
    /// During a TLS handshake; cannot be read or written.
    Handshake(Box<Accept<PrefixedSocket>>),
    /// With TLS.
    Tls(Box<TlsStream<PrefixedSocket>>),
}

/// The error of a client that sends HTTP where TLS is required.
#[derive(Debug)]
pub(super) struct PlainHttp;

impl std::fmt::Display for PlainHttp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the client sent HTTP without TLS")
    }
}

impl std::error::Error for PlainHttp {}

/// A readable and writable stream.
trait Stream: AsyncRead + AsyncWrite {}
impl<S: AsyncRead + AsyncWrite> Stream for S {}

impl std::fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Opening(..) => "Opening",
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
                Self::Opening(Some(PrefixedSocket::new(socket)), tls)
            }
        }
    }

    /// Continues the handshake, if there is one. Returns the negotiated protocol.
    ///
    /// # Errors
    /// [`PlainHttp`], and those of the handshake.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Protocol>> {
        if let Self::Opening(socket, tls) = self
            && let Some(opening) = socket
        {
            if ready!(opening.poll_protocol(cx))? == prefixed::Protocol::Http {
                return Poll::Ready(Err(io::Error::other(PlainHttp)));
            }
            let acceptor = TlsAcceptor::from(Arc::clone(tls));
            if let Some(socket) = socket.take() {
                *self = Self::Handshake(Box::new(acceptor.accept(socket)));
            }
        }
        if let Self::Handshake(accept) = self {
            let stream = ready!(Pin::new(accept.as_mut()).poll(cx))?;
            *self = Self::Tls(Box::new(stream));
        }
        let negotiated = match self {
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol(),
            Self::Plain(_) | Self::Opening(..) | Self::Handshake(_) => None,
        };
        Poll::Ready(Ok(match negotiated {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        }))
    }

    /// The socket before the handshake, for a response to a client without TLS.
    pub(super) fn opening(&mut self) -> Option<&mut PrefixedSocket> {
        match self {
            Self::Opening(socket, _) => socket.as_mut(),
            Self::Plain(_) | Self::Handshake(_) | Self::Tls(_) => None,
        }
    }

    /// The client; unknown during the handshake.
    pub(super) fn peer(&self) -> Peer {
        match self {
            Self::Plain(socket) => socket.peer(),
            Self::Opening(..) | Self::Handshake(_) => Peer::Unknown,
            Self::Tls(stream) => stream.get_ref().0.socket().peer(),
        }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut (dyn Stream + Unpin)>> {
        match self {
            Self::Plain(socket) => Ok(Pin::new(socket)),
            Self::Opening(..) | Self::Handshake(_) => Err(io::ErrorKind::NotConnected.into()),
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
