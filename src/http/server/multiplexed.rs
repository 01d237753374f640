//! Limits for requests on multiplexed connections (HTTP/2): how many may run at a time, and
//! cancellation once the client has gone or has reset the stream, or sends too large a body.
//!
//! actix-http allows any number of streams and completes every response, whatever happens
//! to its stream.

use crate::http::connections::ConnectionSlot;
use crate::http::reply;
use crate::limits::Limit;
use actix_http::{Payload, Response};
use actix_web::body::BoxBody;
use futures_util::StreamExt;
use std::future::Future;
use std::time::Duration;
use tokio::time::sleep;

/// Requests in progress at a time on one connection. A scraper sends one for each selector;
/// RFC 9113, section 6.5.2, recommends no less than this.
const MAX_STREAMS: u64 = 100;

/// Interval of the check for streams that clients have reset. h2 knows at once, but reports a
/// reset only when it is polled for more of the request body, and wakes no task for it once
/// the request is complete.
const RESET_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Bytes of a request body that are discarded before the request is rejected.
const MAX_REQUEST_BODY: usize = 1024 * 1024;

/// Why no response is needed any more.
enum Cancelled {
    /// The client has reset the stream.
    Reset,
    /// The request has a large body.
    BodyTooLarge,
}

/// Returns the response to the request with this body, unless its connection ends or its
/// stream is reset first.
pub(super) async fn unless_cancelled<R>(
    slot: &ConnectionSlot,
    body: Payload,
    response: impl Future<Output = Result<R, Response<BoxBody>>>,
) -> Result<R, Response<BoxBody>> {
    if slot.in_progress() > MAX_STREAMS {
        slot.end(Limit::Streams);
    }
    tokio::select! {
        biased;
        response = response => return response,
        () = slot.ended() => {}
        cancelled = cancelled(body) => if matches!(cancelled, Cancelled::BodyTooLarge) {
            return Err(reply::body_too_large().into());
        },
    }
    // Never sent: the client has gone.
    Err(reply::internal("the client has gone").into())
}

/// Resolves when the client has reset the stream, or its request has a large body. Discards the
/// body: no page uses one. h2 resets the stream of a response that is sent before the end of the
/// request body, and no other.
async fn cancelled(mut body: Payload) -> Cancelled {
    let mut received = 0;
    loop {
        match body.next().await {
            Some(Ok(part)) => received += part.len(),
            Some(Err(_)) => return Cancelled::Reset,
            None => sleep(RESET_CHECK_INTERVAL).await,
        }
        if received > MAX_REQUEST_BODY {
            return Cancelled::BodyTooLarge;
        }
    }
}
