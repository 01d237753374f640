//! One scrape: which selector, how long, what came of it.
//!
//! It may not know kinds of source and does no I/O: it sends the selector's
//! actor a message, through its door, and returns the reply.

use crate::body::Sliced;
use crate::metrics::Rejection;
use crate::{Exporter, accept, deadline, reply};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use local_exporter_actors::{Door, Exposition};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// `GET /bridge?selector=NAME`.
pub async fn scrape(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    let (door, within) = match read(&request, &exporter) {
        Ok(asked) => asked,
        Err((rejection, message)) => {
            exporter.metrics.rejected(rejection);
            return reply::rejected(rejection, &message);
        }
    };
    match door.scrape(within, accept::names(request.headers())).await {
        Ok(exposition) => whole(exposition),
        Err(error) => reply::failed(&door.spec().name, &error),
    }
}

/// Whom a request asks, and how long it will wait; or what is wrong with it.
fn read(
    request: &HttpRequest,
    exporter: &Exporter,
) -> Result<(Arc<Door>, Duration), (Rejection, String)> {
    let name = selector(request.query_string()).map_err(|(why, text)| (why, text.to_owned()))?;
    let patience = request.headers().get(deadline::HEADER);
    let within = deadline::within(patience.map(header::HeaderValue::as_bytes))
        .map_err(|message| (Rejection::BadDeadline, message))?;
    let door = exporter.roster.load().get(&name).cloned();
    let door = door.ok_or_else(|| {
        // Escaped and shortened: it comes from the request.
        let shown: String = name.chars().take(80).collect();
        let message = format!("selector {shown:?}: no selector of that name is configured");
        (Rejection::UnknownSelector, message)
    })?;
    Ok((door, within))
}

/// The one selector in a query, or what is wrong with the query.
fn selector(query: &str) -> Result<Cow<'_, str>, (Rejection, &'static str)> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut names = pairs.filter(|(key, _)| key == "selector");
    match (names.next(), names.next()) {
        (None, _) => Err((
            Rejection::MissingSelector,
            "the parameter selector is missing: ask for /bridge?selector=NAME",
        )),
        (Some((_, name)), None) if name.is_empty() => Err((
            Rejection::EmptySelector,
            "the parameter selector is empty: ask for /bridge?selector=NAME",
        )),
        (Some((_, name)), None) => Ok(name),
        (Some(_), Some(_)) => Err((
            Rejection::RepeatedSelector,
            "the parameter selector is repeated: each selector is a scrape of its own",
        )),
    }
}

/// The bytes, unchanged, with the type they are of.
fn whole(exposition: Exposition) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    let content_type = exposition.summary.content_type();
    response.insert_header((header::CONTENT_TYPE, content_type));
    if let Some(cached_at) = exposition.cached_at {
        // RFC 9111, section 5.1: whole seconds since the answer was known to be true.
        response.insert_header((header::AGE, cached_at.elapsed().as_secs()));
    }
    response.body(Sliced::new(exposition.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_exactly_one_selector() {
        let name = |query| {
            selector(query)
                .map(Cow::into_owned)
                .map_err(|error| error.0)
        };
        assert_eq!(name("selector=foo"), Ok("foo".into()));
        assert_eq!(name("x=1&selector=a%20b%C3%BC"), Ok("a bü".into()));
        assert_eq!(name(""), Err(Rejection::MissingSelector));
        assert_eq!(name("Selector=foo"), Err(Rejection::MissingSelector));
        assert_eq!(name("selector"), Err(Rejection::EmptySelector));
        assert_eq!(name("selector="), Err(Rejection::EmptySelector));
        assert_eq!(
            name("selector=a&selector=a"),
            Err(Rejection::RepeatedSelector)
        );
    }
}
