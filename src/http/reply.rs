//! What becomes of an error: a status, a sentence, and when to come again.
//!
//! The only file that maps errors to HTTP. Every error is `text/plain`, one
//! sentence that names what was asked, the reason and the cause; whatever of a
//! request is repeated in it comes here escaped.

use crate::limits::{Limit, Rejection};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use local_exporter_actors::{Reason, ScrapeError};
use std::time::Duration;

/// A scrape that failed.
#[must_use]
pub(crate) fn failed(selector: &str, error: &ScrapeError) -> HttpResponse {
    let mut response = plain(status(error.reason));
    if let Some(after) = error.retry_after {
        response.insert_header((header::RETRY_AFTER, whole_seconds(after)));
    }
    response.body(format!("selector {selector:?}: {error}\n"))
}

/// A request for the bridge that could not become a scrape.
#[must_use]
pub(crate) fn rejected(rejection: Rejection, message: &str) -> HttpResponse {
    let status = match rejection {
        Rejection::UnknownSelector => StatusCode::NOT_FOUND,
        Rejection::MissingSelector
        | Rejection::EmptySelector
        | Rejection::RepeatedSelector
        | Rejection::BadDeadline => StatusCode::BAD_REQUEST,
        Rejection::NoConnection => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = plain(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, 1));
    }
    response.body(format!("{message}\n"))
}

/// What is said to a client whose connection a limit ends within the head of a
/// request, as the bytes of a whole response: there is no request to reply to.
#[must_use]
pub(crate) fn limit_response(limit: Limit) -> Option<String> {
    let (status, sentence) = match limit {
        Limit::HeaderTimeout => (
            StatusCode::REQUEST_TIMEOUT,
            "the head of the request took longer than header_timeout\n",
        ),
        Limit::HeaderSize => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the head of the request is larger than 32 KiB\n",
        ),
        Limit::MaxConnections
        | Limit::Reserve
        | Limit::MaxInFlight
        | Limit::IdleTimeout
        | Limit::WriteTimeout
        | Limit::Streams => return None,
    };
    let length = sentence.len();
    Some(format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{sentence}"
    ))
}

/// A request that cannot be answered as it is, with what to do about it.
#[must_use]
pub(crate) fn bad_request(sentence: &str) -> HttpResponse {
    plain(StatusCode::BAD_REQUEST).body(format!("{sentence}\n"))
}

/// The page is elsewhere, for now.
#[must_use]
pub(crate) fn found(location: &str) -> HttpResponse {
    let mut response = plain(StatusCode::FOUND);
    response.insert_header((header::LOCATION, location));
    response.body(format!("it is at {location}\n"))
}

/// A text for people.
#[must_use]
pub(crate) fn text(text: String) -> HttpResponse {
    plain(StatusCode::OK).body(text)
}

/// A page that does not exist.
#[must_use]
pub(crate) fn not_found() -> HttpResponse {
    plain(StatusCode::NOT_FOUND).body("there is no such page; / names those there are\n")
}

/// A method that no page takes.
#[must_use]
pub(crate) fn method_not_allowed() -> HttpResponse {
    only("GET, HEAD", "only GET and HEAD are answered here\n")
}

/// A page that takes only the methods that `allowed` lists, in a sentence.
#[must_use]
pub(crate) fn only(allowed: &'static str, sentence: &'static str) -> HttpResponse {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
    response.insert_header((header::ALLOW, allowed));
    response.body(sentence)
}

/// Nobody may do this, in a sentence.
#[must_use]
pub(crate) fn forbidden(sentence: &'static str) -> HttpResponse {
    plain(StatusCode::FORBIDDEN).body(sentence)
}

/// A failure of the exporter itself.
#[must_use]
pub(crate) fn internal(message: &str) -> HttpResponse {
    plain(StatusCode::INTERNAL_SERVER_ERROR).body(format!("{message}\n"))
}

/// A client that has to say who it is, in one of these ways (RFC 9110, section 11.6.1).
#[must_use]
pub(crate) fn unauthorized(challenges: impl Iterator<Item = &'static str>) -> HttpResponse {
    let mut response = plain(StatusCode::UNAUTHORIZED);
    for challenge in challenges {
        response.append_header((header::WWW_AUTHENTICATE, challenge));
    }
    response.body("Unauthorized\n")
}

/// A request beyond the configured rate.
#[must_use]
pub(crate) fn too_many_requests() -> HttpResponse {
    plain(StatusCode::TOO_MANY_REQUESTS).body("Too Many Requests\n")
}

/// A request whose password cannot be checked yet, since so many others are to be.
#[must_use]
pub(crate) fn too_busy() -> HttpResponse {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
    response.insert_header((header::RETRY_AFTER, 1));
    response.body("too many passwords are to be checked; come again\n")
}

/// All is well, in a sentence.
#[must_use]
pub(crate) fn well(sentence: &'static str) -> HttpResponse {
    plain(StatusCode::OK).body(sentence)
}

/// Not yet, in a sentence.
#[must_use]
pub(crate) fn unready(sentence: &'static str) -> HttpResponse {
    plain(StatusCode::SERVICE_UNAVAILABLE).body(sentence)
}

fn plain(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"));
    // An error message is never to be taken for a page.
    response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

/// RFC 9110, section 15.6: the exporter is a gateway; 502 is a bad answer from
/// behind it, 504 none in time, 503 means that it did not ask.
fn status(reason: Reason) -> StatusCode {
    match reason {
        Reason::Absent
        | Reason::Refused
        | Reason::Denied
        | Reason::Empty
        | Reason::TooLarge
        | Reason::Truncated
        | Reason::Malformed
        | Reason::Stale
        | Reason::Timestamps
        | Reason::Utf8Names
        | Reason::Unsuitable
        | Reason::Reset
        | Reason::Bus
        | Reason::Io => StatusCode::BAD_GATEWAY,
        Reason::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Reason::Crashed | Reason::Backoff | Reason::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// `Retry-After` knows whole seconds only (RFC 9110, section 10.2.3): rounded up, one at least.
fn whole_seconds(after: Duration) -> u64 {
    (after.as_millis().div_ceil(1000).max(1))
        .try_into()
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_tell_whose_fault_it_was() {
        let of = |status: u16| {
            let is = |reason: &&Reason| super::status(**reason).as_u16() == status;
            Reason::ALL
                .iter()
                .filter(is)
                .map(|r| r.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(of(504), ["timeout"]);
        assert_eq!(of(503), ["crashed", "backoff", "overloaded"]);
        assert_eq!(of(502).len(), Reason::ALL.len() - 4);
    }

    #[test]
    fn the_book_has_the_status_of_every_reason() {
        let page = include_str!("../../docs/src/reasons.md");
        for reason in Reason::ALL {
            let row = format!("| `{reason}` | {} | ", super::status(reason).as_u16());
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn retrying_is_never_told_too_early() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (29_500, 30)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
