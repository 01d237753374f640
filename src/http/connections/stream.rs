//! The byte stream of a connection, with limits on what a client may do between requests.
//!
//! A request head must be complete within `header_timeout` of its first byte and at most
//! [`LARGEST_HEAD`](super::request_head::LARGEST_HEAD) bytes long; without any, the connection
//! ends after `idle_timeout`. (actix-http limits the time of the first head of a connection
//! only, and buffers up to 128 KiB for each.) During a request the stream passes bytes
//! through, but limits [pipelined requests](super::pipelining).
//!
//! On a multiplexed connection (HTTP/2) control frames may arrive at any time. There the same
//! times apply between requests, and bytes received between them, except the contents of DATA
//! frames, are limited in proportion to the bytes sent, because clients acknowledge responses.
//!
//! While a client accepts no bytes, none are read from it: HTTP implementations process further
//! requests, and keep their responses.
//!
//! Reading is in `read`, writing and closing in `write`; this file holds the timeouts.

mod read;
mod write;

use super::admission::Admission;
use super::frames::Frames;
use super::pipelining::Pipelining;
use super::request_head::{Multiplexing, RequestHead};
use super::slot::{BusyGuard, ConnectionSlot};
use crate::http::body::WRITE_TIMEOUT;
use crate::limits::Limit;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::{Duration, Instant, Sleep, sleep};

/// Idle time after which a multiplexed connection ends at shutdown: long enough for its
/// last response to be sent.
const SHUTDOWN_IDLE: Duration = Duration::from_millis(200);

/// A connection with its slot and limits.
#[derive(Debug)]
pub(crate) struct LimitedStream<S> {
    /// The first field, so that the slot is released before the socket is closed.
    admission: Admission,
    stream: S,
    head: RequestHead,
    pipelining: Pipelining,
    frames: Frames,
    /// Whether the last read was refused because of pipelined requests.
    read_refused: bool,
    /// Whether a read was refused because the client accepts no bytes.
    read_blocked: bool,
    /// Set while the client does not accept bytes.
    blocked_write: Option<BlockedWrite>,
    timer: Pin<Box<Sleep>>,
    ending: Option<End>,
    /// Limits the time of closing; set once it has begun.
    shutdown_timer: Option<Pin<Box<Sleep>>>,
    /// Set once the writing side is closed: the bytes that were discarded since.
    discarded: Option<usize>,
}

/// A write that waits for the client. It keeps the connection busy.
#[derive(Debug)]
struct BlockedWrite {
    since: Instant,
    _busy: BusyGuard,
}

/// Why a connection is ended here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client has reached a limit.
    Limit(Limit),
    /// The slot was evicted, the exporter is shutting down, or the stream is closed already.
    Silent,
}

impl<S> LimitedStream<S> {
    /// Applies limits to the stream of an admitted connection.
    #[must_use]
    pub(crate) fn new(stream: S, admission: Admission) -> Self {
        let limits = admission.slot().context().limits();
        Self {
            admission,
            stream,
            head: RequestHead::new(Multiplexing::Off, 0),
            pipelining: Pipelining::default(),
            frames: Frames::default(),
            read_refused: false,
            read_blocked: false,
            blocked_write: None,
            timer: Box::pin(sleep(limits.header_timeout)),
            ending: None,
            shutdown_timer: None,
            discarded: None,
        }
    }

    /// Sets whether requests are multiplexed. Must be called before the first request.
    pub(crate) fn set_multiplexing(&mut self, multiplexing: Multiplexing) {
        self.head = RequestHead::new(multiplexing, self.slot().requests());
    }

    /// Waits for an operation that precedes the first request, such as a TLS handshake. The
    /// time limit is that of the first request head.
    ///
    /// # Errors
    /// Those of `poll`; `TimedOut` if the time limit is exceeded or the slot is evicted.
    pub(crate) async fn prepare<T>(
        &mut self,
        mut poll: impl FnMut(&mut S, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        poll_fn(|cx| {
            let prepared = poll(&mut self.stream, cx);
            if prepared.is_pending() {
                self.check_limits(cx);
                if self.ending.is_some() {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
            prepared
        })
        .await
    }

    /// The stream below.
    #[must_use]
    pub(crate) fn stream(&self) -> &S {
        &self.stream
    }

    /// Whether requests are multiplexed.
    #[must_use]
    pub(crate) fn multiplexing(&self) -> Multiplexing {
        self.head.multiplexing()
    }

    /// The slot of the connection.
    #[must_use]
    pub(crate) fn slot(&self) -> &Arc<ConnectionSlot> {
        self.admission.slot()
    }

    /// Starts a new head if a request has begun since.
    fn update_head(&mut self) {
        self.head.update(self.admission.slot().requests());
    }

    /// When the current phase of the connection must be over, and the reason to end it then.
    fn deadline(&self) -> Option<(Instant, End)> {
        let reserved = self.slot().reserved_until();
        let reserved = reserved.map(|until| (until, End::Limit(Limit::Reserve)));
        let both = self.phase_deadline().into_iter().chain(reserved);
        both.min_by_key(|(deadline, _)| *deadline)
    }

    /// [`Self::deadline`] of a slot that is not reserved.
    fn phase_deadline(&self) -> Option<(Instant, End)> {
        if let Some(blocked) = &self.blocked_write {
            return Some((
                blocked.since + WRITE_TIMEOUT,
                End::Limit(Limit::WriteTimeout),
            ));
        }
        let since = self.slot().idle_since()?;
        let context = self.slot().context();
        if self.multiplexing() == Multiplexing::On && context.is_stopping() {
            return Some((since + SHUTDOWN_IDLE, End::Silent));
        }
        let (deadline, limit) = self.head.deadline(since, context.limits());
        Some((deadline, End::Limit(limit)))
    }

    /// Ends the connection if it was evicted or its deadline has passed; otherwise registers
    /// for both. The timer is only ever moved to an earlier time, so that a connection with
    /// many requests does not reset it for each.
    fn check_limits(&mut self, cx: &mut Context<'_>) {
        self.slot().register_waker(cx.waker());
        if self.slot().is_evicted() {
            self.ending.get_or_insert(End::Silent);
        }
        self.update_head();
        while self.ending.is_none()
            && let Some((deadline, end)) = self.deadline()
        {
            if self.timer.is_elapsed() || self.timer.deadline() > deadline {
                self.timer.as_mut().reset(deadline);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return;
            }
            if Instant::now() >= deadline {
                self.end(end);
            }
        }
    }

    fn end(&mut self, end: End) {
        if let End::Limit(limit) = end {
            self.slot().reached(limit);
        }
        self.ending = Some(end);
    }
}
