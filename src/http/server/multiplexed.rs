//! Limits for requests on multiplexed connections (HTTP/2): how many may run at a time, and
//! cancellation once the client has gone or has reset the stream.
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
        () = slot.ended() => {}
        () = reset(body) => {}
        response = response => return response,
    }
    // Never sent: the client has gone.
    Err(reply::internal("the client has gone").into())
}

/// Resolves when the client has reset the stream. Discards the request body: no page uses
/// one, and the connection limits its size.
async fn reset(mut body: Payload) {
    loop {
        match body.next().await {
            Some(Ok(_)) => {}
            Some(Err(_)) => return,
            None => sleep(RESET_CHECK_INTERVAL).await,
        }
    }
}
