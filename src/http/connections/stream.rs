//! The bytes of one connection, with a limit on what a client may do between its requests.
//!
//! The head of a request must come within `header_timeout` of its first byte
//! and within [`LARGEST_HEAD`](super::head::LARGEST_HEAD); without any, the connection ends after
//! `idle_timeout`. (actix-http bounds the first head of a connection only, and
//! keeps 128 KiB of each.) Whoever sent half a head is told why it ends. While a
//! request is under way nothing here interferes, but that few requests are let
//! through ahead of their turn (`ahead`).
//!
//! On a multiplexed connection (HTTP/2) requests have no turns, and control
//! frames may come at any time. There the same times hold from one request to
//! the next; and what comes without becoming a request is bounded in bytes, in
//! proportion to what is sent, since receiving an answer is acknowledged.

use super::ahead::Ahead;
use super::head::{Head, Turns};
use super::seat::{Occupied, Seat, State};
use crate::http::reply;
use crate::limits::Limit;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Duration, Instant, Sleep, sleep};

/// How long a client may take none of what is to be written before it is cut off.
pub(crate) const LONGEST_WRITE: Duration = Duration::from_secs(60);

/// How long a multiplexed connection is idle before it ends when all are to
/// stop: its last answer is on its way by then.
const LINGER: Duration = Duration::from_millis(200);

/// How long the end of a connection may take to be told to the client.
const LONGEST_GOODBYE: Duration = Duration::from_secs(5);

/// A connection in its seat.
#[derive(Debug)]
pub(crate) struct Seated<S> {
    stream: S,
    seat: Arc<Seat>,
    head: Head,
    ahead: Ahead,
    /// Set once the heads that may wait were given, for the next look.
    gave_all: bool,
    /// Set while the client does not take what is to be written.
    blocked: Option<Blocked>,
    timer: Pin<Box<Sleep>>,
    /// Set when the connection is to end, and by which limit, if by one.
    ending: Option<Option<Limit>>,
    /// Set when the client is being told of the end.
    goodbye: Option<Pin<Box<Sleep>>>,
}

/// Bytes that wait for the client.
#[derive(Debug)]
struct Blocked {
    since: Instant,
    _occupied: Occupied,
}

impl<S> Seated<S> {
    /// Takes the seat.
    #[must_use]
    pub(crate) fn new(stream: S, seat: Arc<Seat>) -> Self {
        let timer = Box::pin(sleep(seat.connections().limits().header_timeout));
        Self {
            stream,
            seat,
            head: Head::new(Turns::InTurn, 0),
            ahead: Ahead::default(),
            gave_all: false,
            blocked: None,
            timer,
            ending: None,
            goodbye: None,
        }
    }

    /// Says how requests come, before the first.
    pub(crate) fn take_turns(&mut self, turns: Turns) {
        self.head = Head::new(turns, self.seat.requests());
    }

    /// Waits for what has to happen to the stream before the first request, such
    /// as a handshake. The time for it is that of the first head.
    ///
    /// # Errors
    /// That of the stream; and when the time is up, or the seat given away.
    pub(crate) async fn prepare<T>(
        &mut self,
        mut poll: impl FnMut(&mut S, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        poll_fn(|cx| {
            let prepared = poll(&mut self.stream, cx);
            if prepared.is_pending() {
                self.watch(cx);
                if self.ending.is_some() {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
            prepared
        })
        .await
    }

    /// What it is a connection over.
    #[must_use]
    pub(crate) fn stream(&self) -> &S {
        &self.stream
    }

    /// How its requests come.
    #[must_use]
    pub(crate) fn turns(&self) -> Turns {
        self.head.turns()
    }

    /// The seat it has.
    #[must_use]
    pub(crate) fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    /// What came, if no request is under way, is of the head of the next one.
    fn came(&mut self, bytes: usize) {
        self.renew_head();
        let is_busy = self.seat.state() == State::Busy;
        if self.turns() == Turns::InTurn && (is_busy || bytes == 0) {
            return;
        }
        self.head.came(bytes);
        if self.head.is_too_large() {
            self.end_by(Limit::HeaderSize);
        }
    }

    /// Begins to count anew when a request has begun since.
    fn renew_head(&mut self) {
        self.head.renew(self.seat.requests());
    }

    /// When the time of what the client is at is up, and by which limit, if by one.
    fn deadline(&self) -> Option<(Instant, Option<Limit>)> {
        if let Some(blocked) = &self.blocked {
            return Some((blocked.since + LONGEST_WRITE, Some(Limit::WriteTimeout)));
        }
        let State::Idle(since) = self.seat.state() else {
            return None;
        };
        if self.turns() == Turns::Multiplexed && self.seat.connections().stopping() {
            return Some((since + LINGER, None));
        }
        let limits = self.seat.connections().limits();
        let (deadline, limit) = self.head.deadline(since, limits);
        Some((deadline, Some(limit)))
    }

    /// Ends the connection when the time of what the client is at is up. The
    /// timer is only ever set earlier, so that a connection with many requests
    /// need not set it at each.
    fn watch(&mut self, cx: &mut Context<'_>) {
        self.seat.wake_when_given_away(cx.waker());
        if self.seat.state() == State::GivenAway {
            self.ending.get_or_insert(None);
        }
        self.renew_head();
        while self.ending.is_none()
            && let Some((deadline, limit)) = self.deadline()
        {
            if self.timer.is_elapsed() || self.timer.deadline() > deadline {
                self.timer.as_mut().reset(deadline);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return;
            }
            if Instant::now() >= deadline {
                match limit {
                    Some(limit) => self.end_by(limit),
                    None => self.ending = Some(None),
                }
            }
        }
    }

    /// Whether the head of another request may be let through now. If not, it is
    /// looked at again when that may have changed.
    fn may_go_on(&mut self, cx: &Context<'_>) -> bool {
        let requests = self.seat.requests();
        if !self.ahead.is_full(requests) {
            self.gave_all = false;
            return true;
        }
        if self.seat.state() == State::Busy {
            self.seat.hold_up();
        } else if self.gave_all {
            // They were looked at since, and there is nothing to do: they were no heads.
            self.ahead.begin_anew(requests);
            self.gave_all = false;
            return true;
        } else {
            cx.waker().wake_by_ref();
        }
        self.gave_all = true;
        false
    }

    fn end_by(&mut self, limit: Limit) {
        self.seat.reached(limit);
        self.ending = Some(Some(limit));
    }
}

impl<S: AsyncRead + Unpin> Seated<S> {
    /// Reads no more than may be let through.
    fn poll_read_in_turn(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.may_go_on(cx) {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let kept = self.ahead.take_kept(buffer.remaining());
        if kept.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        } else {
            buffer.put_slice(&kept);
        }
        let (_, came) = buffer.filled().split_at(before);
        let given = self.ahead.give(came, self.seat.requests());
        self.ahead.keep_first(came.split_at(given).1);
        buffer.set_filled(before + given);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Seated<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = match this.turns() {
            Turns::InTurn => this.poll_read_in_turn(cx, buffer),
            Turns::Multiplexed => Pin::new(&mut this.stream).poll_read(cx, buffer),
        };
        match &read {
            Poll::Pending => this.watch(cx),
            Poll::Ready(Ok(())) => this.came(buffer.filled().len() - before),
            Poll::Ready(Err(_)) => {}
        }
        if this.ending.is_some() {
            // The end of the stream, as if the client had closed it.
            buffer.set_filled(before);
            return Poll::Ready(Ok(()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Seated<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(sent)) = written {
            this.renew_head();
            this.head.sent(sent);
        }
        if written.is_pending() {
            let seat = &this.seat;
            this.blocked.get_or_insert_with(|| Blocked {
                since: Instant::now(),
                _occupied: seat.occupy(),
            });
            this.watch(cx);
            if this.ending.is_some() {
                let message = format!("the client took nothing for {LONGEST_WRITE:?}");
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)));
            }
        }
        written
    }

    /// Nothing is left to write: after an answer, nobody reads until something
    /// comes, so the time is watched from here and its end handed to the reader.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.blocked = None;
        if this.ending.is_none() {
            this.watch(cx);
            if this.ending.is_some() {
                cx.waker().wake_by_ref();
            }
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(Some(limit)) = this.ending.replace(None)
            && this.head.has_begun()
            && let Some(words) = reply::last_words(limit)
        {
            // For whoever takes them at once; the connection ends either way.
            let _ = Pin::new(&mut this.stream).poll_write(cx, words.as_bytes());
        }
        let shut = Pin::new(&mut this.stream).poll_shutdown(cx);
        if shut.is_pending() {
            let goodbye = this
                .goodbye
                .get_or_insert_with(|| Box::pin(sleep(LONGEST_GOODBYE)));
            // Whoever does not take it is left without.
            return goodbye.as_mut().poll(cx).map(Ok);
        }
        shut
    }
}

impl<S> Drop for Seated<S> {
    fn drop(&mut self) {
        self.seat.leave();
    }
}
