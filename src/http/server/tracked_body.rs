//! Response bodies that keep their connection busy until they are sent.

use crate::http::body::WRITE_TIMEOUT;
use crate::http::connections::{BusyGuard, ConnectionSlot};
use crate::limits::Limit;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A response body that keeps its connection busy until all of it was requested.
#[derive(Debug)]
pub(super) struct TrackedBody {
    body: BoxBody,
    busy: Option<BusyGuard>,
    _timeout: Option<Timeout>,
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
    pub(super) fn new(body: BoxBody, busy: Option<BusyGuard>) -> Self {
        Self {
            body,
            busy,
            _timeout: None,
        }
    }

    /// Limits the time until the whole body was requested. A multiplexed connection that
    /// continues to read and write could delay that without limit.
    pub(super) fn with_timeout(mut self, slot: Arc<ConnectionSlot>) -> Self {
        let end = async move {
            tokio::time::sleep(WRITE_TIMEOUT).await;
            slot.end(Limit::WriteTimeout);
        };
        self._timeout = Some(Timeout(actix_web::rt::spawn(end)));
        self
    }
}

impl MessageBody for TrackedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = self.body.as_pin_mut().poll_next(context);
        // A body in memory fails for a single reason: the client reads it too slowly.
        if let (Poll::Ready(Some(Err(_))), Some(busy)) = (&next, &self.busy) {
            busy.end(Limit::WriteTimeout);
        }
        next
    }
}
