//! Response bodies that keep their connection busy until they are sent.

use super::outgoing::Outgoing;
use crate::http::body::{SlicedBody, WRITE_TIMEOUT};
use crate::http::connections::{BusyGuard, ConnectionSlot, UnreadBody};
use crate::limits::Limit;
use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::OwnedSemaphorePermit;

/// A response body that keeps its connection busy until all of it was requested.
#[derive(Debug)]
pub(super) struct TrackedBody {
    body: SlicedBody,
    unread: Option<UnreadBody>,
    slot: Option<Arc<ConnectionSlot>>,
    busy: Option<BusyGuard>,
    multiplexed: Option<Multiplexed>,
}

/// What a body needs in addition on a multiplexed connection.
#[derive(Debug)]
struct Multiplexed {
    /// Whether a slice was handed out, and the connection had no opportunity to write it.
    is_unwritten: bool,
    _timeout: Timeout,
    _permit: Option<OwnedSemaphorePermit>,
}

/// A task that ends the connection after a time; aborted on drop.
#[derive(Debug)]
struct Timeout(actix_web::rt::task::JoinHandle<()>);

impl Drop for Timeout {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl TrackedBody {
    /// The body of a response on a connection that `busy` keeps busy.
    pub(super) fn new(
        outgoing: Outgoing,
        slot: Option<Arc<ConnectionSlot>>,
        busy: Option<BusyGuard>,
    ) -> Self {
        Self {
            body: SlicedBody::new(outgoing.pieces),
            unread: outgoing.unread,
            slot,
            busy,
            multiplexed: None,
        }
    }

    /// Limits the time until the whole body was requested. A multiplexed connection that
    /// continues to read and write could delay that without limit.
    pub(super) fn multiplexed(
        mut self,
        slot: Arc<ConnectionSlot>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let end = async move {
            tokio::time::sleep(WRITE_TIMEOUT).await;
            slot.end(Limit::WriteTimeout);
        };
        self.multiplexed = Some(Multiplexed {
            is_unwritten: false,
            _timeout: Timeout(actix_web::rt::spawn(end)),
            _permit: permit,
        });
        self
    }

    /// Whether the connection has had the opportunity to write the last slice, and accepts
    /// more. Over HTTP/1.1, actix-http takes care of that; over HTTP/2, h2 would take several
    /// slices more than the client reads.
    fn poll_accepts(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let (Some(multiplexed), Some(slot)) = (&mut self.multiplexed, &self.slot) else {
            return Poll::Ready(Ok(()));
        };
        if slot.is_ending() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if std::mem::take(&mut multiplexed.is_unwritten) {
            // The task of the connection was woken before this one.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        slot.poll_accepts(cx).map(Ok)
    }
}

impl MessageBody for TrackedBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.body.size())
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if let Err(ended) = ready!(this.poll_accepts(cx)) {
            return Poll::Ready(Some(Err(ended)));
        }
        let next = this.body.next_slice();
        if let (Some(slot), Some(unread)) = (&this.slot, &this.unread) {
            slot.progress(unread);
        }
        if let Some(multiplexed) = &mut this.multiplexed {
            multiplexed.is_unwritten = true;
        }
        // A body in memory fails for a single reason: the client reads it too slowly.
        if let (Some(Err(_)), Some(busy)) = (&next, &this.busy) {
            busy.end(Limit::WriteTimeout);
        }
        Poll::Ready(next)
    }
}
