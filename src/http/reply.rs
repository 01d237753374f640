//! Responses without a page of their own: errors, redirects and plain text.
//!
//! The only file that maps errors to HTTP statuses. Every failed scrape is one line of `text/plain`
//! with the selector, the reason and the cause. Callers escape the parts of a request that
//! they include in a message.

use crate::limits::{Limit, Rejection};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use local_exporter_actors::{Reason, ScrapeError};
use std::time::Duration;

/// A failed scrape. With `Retry-After` if the error says when to retry.
#[must_use]
pub(crate) fn failed(selector: &str, error: &ScrapeError) -> HttpResponse {
    let mut response = plain(status(error.reason));
    if let Some(after) = error.retry_after {
        response.insert_header((header::RETRY_AFTER, whole_seconds(after)));
    }
    response.body(format!("selector {selector:?}: {error}\n"))
}

/// A request to the bridge that is rejected without a scrape.
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

/// The response to a client whose connection is ended by a limit within a request head, as
/// bytes: there is no request that actix-web could respond to. `None` for other limits.
#[must_use]
pub(crate) fn limit_response(limit: Limit) -> Option<String> {
    let (status, message) = match limit {
        Limit::HeaderTimeout => (
            StatusCode::REQUEST_TIMEOUT,
            "the request head took longer than header_timeout\n",
        ),
        Limit::HeaderSize => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the request head is larger than 32 KiB\n",
        ),
        Limit::MaxConnections
        | Limit::Reserve
        | Limit::MaxInFlight
        | Limit::MaxUnread
        | Limit::IdleTimeout
        | Limit::WriteTimeout
        | Limit::Streams
        | Limit::EmptyFrames => return None,
    };
    let length = message.len();
    Some(format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{message}"
    ))
}

/// An invalid request; the message says how to correct it.
#[must_use]
pub(crate) fn bad_request(message: &str) -> HttpResponse {
    plain(StatusCode::BAD_REQUEST).body(format!("{message}\n"))
}

/// A temporary redirect.
#[must_use]
pub(crate) fn redirect(location: &str) -> HttpResponse {
    let mut response = plain(StatusCode::FOUND);
    response.insert_header((header::LOCATION, location));
    response.body(format!("see {location}\n"))
}

/// A plain text.
#[must_use]
pub(crate) fn text(text: String) -> HttpResponse {
    plain(StatusCode::OK).body(text)
}

/// A plain text whose body the caller adds.
#[must_use]
pub(crate) fn text_of() -> HttpResponseBuilder {
    plain(StatusCode::OK)
}

/// A page that does not exist.
#[must_use]
pub(crate) fn not_found() -> HttpResponse {
    plain(StatusCode::NOT_FOUND).body("page not found; see / for a list\n")
}

/// A method that the page does not support; `allowed` lists those that it does.
#[must_use]
pub(crate) fn method_not_allowed(allowed: &'static str, message: &'static str) -> HttpResponse {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
    response.insert_header((header::ALLOW, allowed));
    response.body(message)
}

/// The response to `OPTIONS`: the methods that the pages support.
#[must_use]
pub(crate) fn options() -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ALLOW, "GET, HEAD, OPTIONS"));
    response.finish()
}

/// The response to a request without TLS where TLS is required, as bytes: no HTTP is processed
/// there. The same as that of Go's `net/http`.
pub(crate) const PLAIN_HTTP: &str =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// A request that is not permitted to any client.
#[must_use]
pub(crate) fn forbidden(message: &'static str) -> HttpResponse {
    plain(StatusCode::FORBIDDEN).body(message)
}

/// An error of the exporter itself.
#[must_use]
pub(crate) fn internal(message: &str) -> HttpResponse {
    plain(StatusCode::INTERNAL_SERVER_ERROR).body(format!("{message}\n"))
}

/// A request without valid credentials; lists the accepted schemes (RFC 9110, section 11.6.1).
#[must_use]
pub(crate) fn unauthorized(challenges: impl Iterator<Item = &'static str>) -> HttpResponse {
    let mut response = plain(StatusCode::UNAUTHORIZED);
    for challenge in challenges {
        response.append_header((header::WWW_AUTHENTICATE, challenge));
    }
    response.body("Unauthorized\n")
}

/// A request that exceeds the configured rate.
#[must_use]
pub(crate) fn too_many_requests() -> HttpResponse {
    plain(StatusCode::TOO_MANY_REQUESTS).body("Too Many Requests\n")
}

/// A request whose password cannot be checked because too many checks are waiting.
#[must_use]
pub(crate) fn too_busy() -> HttpResponse {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
    response.insert_header((header::RETRY_AFTER, 1));
    response.body("too many passwords are waiting to be checked; retry later\n")
}

/// The name of the selector that a response belongs to, attached to the response.
pub(crate) struct OfSelector(pub(crate) String);

/// A response that is not sent because clients have not read earlier ones. `selector` is the
/// one that the response belongs to.
#[must_use]
pub(crate) fn too_many_unread(selector: Option<&OfSelector>) -> HttpResponse {
    let error = format!(
        "{}: the responses that clients have not read yet occupy service.max_unread; read \
         responses faster or raise the limit",
        Reason::Overloaded,
    );
    let mut response = plain(status(Reason::Overloaded));
    response.insert_header((header::RETRY_AFTER, 1));
    response.body(match selector {
        Some(OfSelector(name)) => format!("selector {name:?}: {error}\n"),
        None => format!("{error}\n"),
    })
}

/// A page that is too large for a reserved connection.
#[must_use]
pub(crate) fn too_large_for_reserve() -> HttpResponse {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
    response.insert_header((header::RETRY_AFTER, 1));
    response.body(
        "all connections (service.max_connections) are in use; the response is larger than the \
         64 KiB that are served meanwhile\n",
    )
}

/// A request with a body, which no page expects.
#[must_use]
pub(crate) fn body_too_large() -> HttpResponse {
    plain(StatusCode::PAYLOAD_TOO_LARGE).body("no request has a body; this one is above 1 MiB\n")
}

/// Success, with a short message.
#[must_use]
pub(crate) fn ok(message: &'static str) -> HttpResponse {
    plain(StatusCode::OK).body(message)
}

/// The exporter is not ready.
#[must_use]
pub(crate) fn unavailable(message: &'static str) -> HttpResponse {
    plain(StatusCode::SERVICE_UNAVAILABLE).body(message)
}

fn plain(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"));
    // Browsers must not interpret an error message as HTML.
    response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

/// The exporter is a gateway (RFC 9110, section 15.6): 502 means an invalid response from the
/// daemon, 504 none in time, 503 that this scrape was not completed for a reason of the exporter.
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
        | Reason::NotAcceptable
        | Reason::Unsuitable
        | Reason::Reset
        | Reason::Bus
        | Reason::Io => StatusCode::BAD_GATEWAY,
        Reason::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Reason::Crashed | Reason::Backoff | Reason::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// `Retry-After` has whole seconds (RFC 9110, section 10.2.3). Rounds up, to at least one.
fn whole_seconds(after: Duration) -> u64 {
    (after.as_millis().div_ceil(1000).max(1))
        .try_into()
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_status() {
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
    fn retry_after_is_rounded_up() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (29_500, 30)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
