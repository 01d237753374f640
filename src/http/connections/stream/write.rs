//! Writing and closing: ends a connection whose client accepts no bytes.

use super::{BlockedWrite, End, LimitedStream};
use crate::http::body::WRITE_TIMEOUT;
use crate::http::reply;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use tokio::time::{Duration, Instant, sleep};

/// Time limit for closing a connection. With TLS, closing sends a message.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

impl<S: AsyncWrite + Unpin> AsyncWrite for LimitedStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(sent)) = written {
            this.update_head();
            this.head.sent(sent);
        }
        if written.is_pending() {
            let slot = this.admission.slot();
            this.blocked_write.get_or_insert_with(|| BlockedWrite {
                since: Instant::now(),
                _busy: slot.busy(),
            });
            this.check_limits(cx);
            if this.ending.is_some() {
                let message = format!("the client accepted no bytes for {WRITE_TIMEOUT:?}");
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)));
            }
        }
        written
    }

    /// A flush means that everything is written. After a response, actix-http does not poll
    /// for reading until bytes arrive, so the deadline is registered here, and the reader is
    /// woken when it has passed.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.blocked_write = None;
        if this.ending.is_none() {
            this.check_limits(cx);
            if this.ending.is_some() {
                cx.waker().wake_by_ref();
            }
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    /// Tells a client that has sent a part of a request head why the connection ends.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(End::Limit(limit)) = this.ending.replace(End::Silent)
            && this.head.has_begun()
            && let Some(response) = reply::limit_response(limit)
        {
            // Best effort: the connection ends even if the client does not accept it.
            let _ = Pin::new(&mut this.stream).poll_write(cx, response.as_bytes());
        }
        let shutdown = Pin::new(&mut this.stream).poll_shutdown(cx);
        if shutdown.is_pending() {
            let timer = this
                .shutdown_timer
                .get_or_insert_with(|| Box::pin(sleep(SHUTDOWN_TIMEOUT)));
            return timer.as_mut().poll(cx).map(Ok);
        }
        shutdown
    }
}
