//! Reading: counts the bytes of request heads and limits pipelined requests.

use super::super::request_head::Multiplexing;
use super::{End, LimitedStream};
use crate::limits::Limit;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

impl<S> LimitedStream<S> {
    /// Counts received bytes of a multiplexed connection.
    fn received_frames(&mut self, bytes: &[u8]) {
        self.update_head();
        let counted = self.frames.count(bytes);
        self.head.received(counted.control_bytes);
        self.head.received_empty(counted.empty_frames);
        if self.head.has_too_many_empty_frames() {
            self.end(End::Limit(Limit::EmptyFrames));
        } else if self.head.is_too_large() {
            self.end(End::Limit(Limit::HeaderSize));
        }
    }

    /// Counts received bytes of a connection with one request after the other. They belong to the
    /// next request head unless a request is in progress, or follows immediately.
    fn received(&mut self, bytes: usize) {
        self.update_head();
        if self.slot().is_busy() || bytes == 0 || self.pipelining.head_bytes() == 0 {
            return;
        }
        self.head.received(self.pipelining.head_bytes());
        if self.head.is_too_large() {
            self.end(End::Limit(Limit::HeaderSize));
        }
    }

    /// Whether the head of another request may be passed on now. If not, arranges a wake-up
    /// for when that may have changed.
    fn may_read(&mut self, cx: &Context<'_>) -> bool {
        let requests = self.slot().requests();
        if !self.pipelining.is_full(requests) {
            self.read_refused = false;
            return true;
        }
        if self.slot().is_busy() {
            self.slot().wake_on_request();
        } else if self.read_refused {
            // The HTTP implementation has processed the passed bytes since the last poll
            // and is idle: they contained no request heads.
            self.pipelining.reset(requests);
            self.read_refused = false;
            return true;
        } else {
            cx.waker().wake_by_ref();
        }
        self.read_refused = true;
        false
    }
}

impl<S: AsyncRead + Unpin> LimitedStream<S> {
    /// Passes on bytes of which some may have to be encoded: three bytes for one.
    fn pass_encoded(&mut self, received: &[u8], buffer: &mut ReadBuf<'_>, requests: u64) {
        let most = received.len().min(buffer.remaining() / 3);
        let (now, _) = received.split_at(most);
        let (passed, encoded) = self.pipelining.pass_encoded(now, requests);
        buffer.put_slice(&encoded);
        self.pipelining.hold_back(received.split_at(passed).1);
    }

    /// Reads no more than pipelining allows.
    fn poll_read_heads(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.may_read(cx) {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let held_back = self.pipelining.take_held_back(buffer.remaining());
        if held_back.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        } else {
            buffer.put_slice(&held_back);
        }
        let requests = self.slot().requests();
        let (_, received) = buffer.filled().split_at(before);
        let may_encode = !self.slot().had_request_body() && buffer.capacity() >= before + 3;
        if may_encode && !received.is_ascii() {
            let received = received.to_vec();
            buffer.set_filled(before);
            self.pass_encoded(&received, buffer, requests);
            return Poll::Ready(Ok(()));
        }
        let passed = self.pipelining.pass(received, requests);
        self.pipelining.hold_back(received.split_at(passed).1);
        buffer.set_filled(before + passed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LimitedStream<S> {
    /// After the end of the connection, reports the end of the stream, as if the client had
    /// closed it.
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        this.read_blocked = this.blocked_write.is_some();
        let read = match this.multiplexing() {
            _ if this.read_blocked => Poll::Pending,
            Multiplexing::Off => this.poll_read_heads(cx, buffer),
            Multiplexing::On => Pin::new(&mut this.stream).poll_read(cx, buffer),
        };
        match (&read, this.multiplexing()) {
            (Poll::Pending, _) => this.check_limits(cx),
            (Poll::Ready(Ok(())), Multiplexing::Off) => {
                this.received(buffer.filled().len() - before);
            }
            (Poll::Ready(Ok(())), Multiplexing::On) => {
                this.received_frames(buffer.filled().split_at(before).1);
            }
            (Poll::Ready(Err(_)), _) => {}
        }
        if this.ending.is_some() {
            buffer.set_filled(before);
            return Poll::Ready(Ok(()));
        }
        read
    }
}
