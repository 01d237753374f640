//! One request of several on a connection (HTTP/2): how many there may be, and the
//! end of one when its client has gone or wants it no more.
//!
//! actix-http goes on making an answer whatever happens to its stream, and allows
//! any number at once. It may not know what is asked.

use crate::http::connections::Seat;
use crate::http::reply;
use crate::limits::Limit;
use actix_http::{Payload, Response};
use actix_web::body::BoxBody;
use futures_util::StreamExt;
use std::future::Future;
use std::time::Duration;
use tokio::time::sleep;

/// Requests that may be under way at once on one connection. A scraper sends one
/// for each selector; RFC 9113, section 6.5.2, wants no less than this.
const STREAMS: u64 = 100;

/// How often it is looked whether a client has reset a stream. h2 knows at once, but
/// wakes nobody who could be told once all of a request is there: it only says so
/// when it is asked for more of the request's body.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The answer to the request that came with this body, unless its connection ends or
/// its stream is reset before.
pub(super) async fn unless_gone<R>(
    seat: &Seat,
    body: Payload,
    answer: impl Future<Output = Result<R, Response<BoxBody>>>,
) -> Result<R, Response<BoxBody>> {
    if seat.occupants() > STREAMS {
        seat.end(Limit::Streams);
    }
    tokio::select! {
        biased;
        () = seat.gone() => {}
        () = reset(body) => {}
        answer = answer => return answer,
    }
    // There is nobody to read it.
    Err(reply::internal("the client has gone").into())
}

/// Resolves when the client has reset the stream. What comes of the body is dropped: no
/// page wants any, and the connection bounds how much may come.
async fn reset(mut body: Payload) {
    loop {
        match body.next().await {
            Some(Ok(_)) => {}
            Some(Err(_)) => return,
            None => sleep(LOOK_EVERY).await,
        }
    }
}
