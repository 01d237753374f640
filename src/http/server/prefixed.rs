//! A socket whose first bytes are inspected before TLS reads them.

use super::socket::ClientSocket;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Number of bytes that are inspected: the header of a TLS record (RFC 8446, section 5.1).
const INSPECTED: usize = 5;
/// The beginnings of requests that are recognized as HTTP, as in Go's `crypto/tls`.
const HTTP: [&[u8; INSPECTED]; 5] = [b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO"];

/// A socket, and its first bytes until they are read again.
#[derive(Debug)]
pub(super) struct PrefixedSocket {
    socket: ClientSocket,
    first: [u8; INSPECTED],
    /// The received part of the first bytes that was not read again.
    unread: std::ops::Range<usize>,
}

/// The protocol that a client uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// TLS, or anything else that TLS rejects.
    Tls,
    /// HTTP without TLS.
    Http,
}

impl PrefixedSocket {
    pub(super) fn new(socket: ClientSocket) -> Self {
        Self {
            socket,
            first: [0; INSPECTED],
            unread: 0..0,
        }
    }

    /// The socket.
    pub(super) fn socket(&self) -> &ClientSocket {
        &self.socket
    }

    /// Waits for the first bytes.
    pub(super) fn poll_protocol(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Protocol>> {
        while let Some(rest) = self.first.get_mut(self.unread.end..)
            && !rest.is_empty()
        {
            let mut buffer = ReadBuf::new(rest);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
            let received = buffer.filled().len();
            if received == 0 {
                break;
            }
            self.unread.end += received;
        }
        Poll::Ready(Ok(match HTTP.contains(&&self.first) {
            true => Protocol::Http,
            false => Protocol::Tls,
        }))
    }
}

impl AsyncRead for PrefixedSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let unread = this.first.get(this.unread.clone()).unwrap_or_default();
        if unread.is_empty() {
            return Pin::new(&mut this.socket).poll_read(cx, buffer);
        }
        let (now, _) = unread.split_at(unread.len().min(buffer.remaining()));
        buffer.put_slice(now);
        this.unread.start += now.len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PrefixedSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
