//! Writing and closing: ends a connection whose client accepts no bytes.

use super::{BlockedWrite, End, LimitedStream};
use crate::http::body::WRITE_TIMEOUT;
use crate::http::reply;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Duration, Instant, sleep};

/// Time limit for closing a connection. With TLS, closing sends a message.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of a request body that are discarded when the connection is closed, so that the
/// client receives the response: if some are unread, the kernel resets the connection instead
/// (RFC 9112, section 9.6).
const MAX_DISCARDED: usize = 1024 * 1024;

impl<S: AsyncWrite + Unpin> LimitedStream<S> {
    /// Notes that the client does not accept bytes; returns an error if it should have.
    fn write_blocked(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let slot = self.admission.slot();
        slot.set_blocked(true);
        self.blocked_write.get_or_insert_with(|| BlockedWrite {
            since: Instant::now(),
            _busy: slot.busy(),
        });
        self.check_limits(cx);
        if self.ending.is_some() {
            let message = format!("the client accepted no bytes for {WRITE_TIMEOUT:?}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> LimitedStream<S> {
    /// Closes the writing side, then discards the rest of a request body.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut discarded = match self.discarded {
            Some(discarded) => discarded,
            None => {
                ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
                0
            }
        };
        let mut scratch = [0; 4096];
        while self.slot().had_request_body()
            && !self.slot().is_evicted()
            && discarded < MAX_DISCARDED
        {
            self.discarded = Some(discarded);
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            match buffer.filled().len() {
                0 => break,
                read => discarded += read,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for LimitedStream<S> {
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
            this.write_blocked(cx)?;
        }
        written
    }

    /// A flush means that everything is written. After a response, actix-http does not poll
    /// for reading until bytes arrive, so the deadline is registered here, and the reader is
    /// woken when it has passed.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // With TLS, bytes that were accepted may still be in its buffer.
        if Pin::new(&mut this.stream).poll_flush(cx)?.is_pending() {
            this.write_blocked(cx)?;
            return Poll::Pending;
        }
        this.blocked_write = None;
        this.slot().set_blocked(false);
        if std::mem::take(&mut this.read_blocked) {
            cx.waker().wake_by_ref();
        }
        if this.ending.is_none() {
            this.check_limits(cx);
            if this.ending.is_some() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Ready(Ok(()))
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
        let shutdown = this.poll_close(cx);
        if shutdown.is_pending() {
            let timer = this
                .shutdown_timer
                .get_or_insert_with(|| Box::pin(sleep(SHUTDOWN_TIMEOUT)));
            return timer.as_mut().poll(cx).map(Ok);
        }
        shutdown
    }
}
