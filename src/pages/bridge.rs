//! One scrape: which selector, how long, what came of it.
//!
//! It may not know kinds of source and does no I/O: it sends the selector's
//! actor a message, through its handle, and returns the reply. With `debug=true`
//! it returns a text about it instead (`explain`).

mod explain;

use crate::exporter::Exporter;
use crate::http::body::Sliced;
use crate::http::connections::{Class, Seat};
use crate::http::gzip::{self, Compressors, GZIP};
use crate::http::reply;
use crate::limits::Rejection;
use crate::pages::{accept, deadline};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use local_exporter_actors::{Exposition, Names, SelectorHandle};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What the bytes depend on, for caches on the way.
const VARY: HeaderValue = HeaderValue::from_static("accept, accept-encoding");

/// `GET /bridge?selector=NAME`, and perhaps `&debug=true`.
pub(crate) async fn scrape(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    let found = may_scrape(&request).and_then(|()| {
        let offset = exporter.settings.load().service.timeout_offset;
        let scrape = ScrapeRequest::parse(request.query_string(), request.headers(), offset)?;
        Ok((handle(&scrape.selector, &exporter)?, scrape))
    });
    let (handle, scrape) = match found {
        Ok(found) => found,
        Err((rejection, message)) => {
            exporter.metrics.rejected(rejection);
            return reply::rejected(rejection, &message);
        }
    };
    if scrape.form == ResponseForm::Debug {
        return explained(&handle, &scrape).await;
    }
    match handle.scrape(scrape.timeout, scrape.names).await {
        Ok(exposition) => whole(&request, exposition, exporter.compressors.clone()).await,
        Err(error) => reply::failed(&handle.spec().name, &error),
    }
}

/// A scrape like any other, and what there is to say about it.
async fn explained(handle: &SelectorHandle, scrape: &ScrapeRequest<'_>) -> HttpResponse {
    let (began, clock) = (SystemTime::now(), Instant::now());
    let answer = handle.scrape(scrape.timeout, scrape.names).await;
    reply::text(explain::explain(&explain::Ended {
        handle,
        began,
        took: clock.elapsed(),
        within: scrape.timeout,
        answer: &answer,
    }))
}

/// Whether its connection is one on which scrapes are answered.
fn may_scrape(request: &HttpRequest) -> Result<(), (Rejection, String)> {
    let seat = request.conn_data::<Arc<Seat>>();
    match seat.map_or(Class::Ordinary, |seat| seat.class()) {
        Class::Ordinary => Ok(()),
        Class::Reserved => {
            let message = "all connections (service.max_connections) are at work already";
            Err((Rejection::NoConnection, message.to_owned()))
        }
    }
}

/// What a request asks for, by its query and its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrapeRequest<'q> {
    /// The selector's name; never empty, and not necessarily one that is configured.
    pub selector: Cow<'q, str>,
    /// How long the scraper gives it.
    pub timeout: Duration,
    /// The names that the scraper reads.
    pub names: Names,
    /// What is to be returned.
    pub form: ResponseForm,
}

/// What a client wants to have of a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseForm {
    /// The body.
    Body,
    /// A text for people about how it went.
    Debug,
}

impl<'q> ScrapeRequest<'q> {
    /// Reads a query string and the headers beside it; `offset` is how much earlier
    /// than the scraper gives up it gets its answer.
    ///
    /// # Errors
    /// Why this asks for no scrape, and the sentence that says so.
    pub fn parse(
        query: &'q str,
        headers: &HeaderMap,
        offset: Duration,
    ) -> Result<Self, (Rejection, String)> {
        let (selector, form) = wanted(query).map_err(|(why, text)| (why, text.to_owned()))?;
        let patience = headers
            .get(deadline::SCRAPE_TIMEOUT_HEADER)
            .map(HeaderValue::as_bytes);
        let within = deadline::within(patience, offset)
            .map_err(|message| (Rejection::BadDeadline, message))?;
        let names = accept::accepted_names(headers);
        Ok(Self {
            selector,
            within,
            names,
            form,
        })
    }
}

/// The handle of that name, or why there is none.
fn handle(name: &str, exporter: &Exporter) -> Result<Arc<SelectorHandle>, (Rejection, String)> {
    let handle = exporter.registry.load().get(name).cloned();
    handle.ok_or_else(|| {
        // Escaped and shortened: it comes from the request.
        let shown: String = name.chars().take(80).collect();
        let message = format!("selector {shown:?}: no selector of that name is configured");
        (Rejection::UnknownSelector, message)
    })
}

/// The one selector in a query and what is wanted of it, or what is wrong with the query.
fn wanted(query: &str) -> Result<(Cow<'_, str>, ResponseForm), (Rejection, &'static str)> {
    let (mut selector, mut form) = (None, ResponseForm::Body);
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "selector" if selector.is_some() => {
                return Err((
                    Rejection::RepeatedSelector,
                    "the parameter selector is repeated: each selector is a scrape of its own",
                ));
            }
            "selector" => selector = Some(value),
            "debug" if value == "true" => form = ResponseForm::Debug,
            _ => {}
        }
    }
    match selector {
        None => Err((
            Rejection::MissingSelector,
            "the parameter selector is missing: ask for /bridge?selector=NAME",
        )),
        Some(name) if name.is_empty() => Err((
            Rejection::EmptySelector,
            "the parameter selector is empty: ask for /bridge?selector=NAME",
        )),
        Some(name) => Ok((name, form)),
    }
}

/// The bytes, unchanged, with the type they are of; compressed for those who
/// ask, since they read them all the same.
async fn whole(
    request: &HttpRequest,
    exposition: Exposition,
    compressors: web::Data<Compressors>,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    let content_type = exposition.summary.content_type();
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
    response.insert_header((header::VARY, VARY));
    if let Some(cached_at) = exposition.cached_at {
        // RFC 9111, section 5.1: whole seconds since the answer was known to be true.
        response.insert_header((header::AGE, cached_at.elapsed().as_secs()));
    }
    if exposition.body.len() >= gzip::SMALLEST && gzip::wanted(request) {
        let body = exposition.body.clone();
        let compress = || Compressors::compress(compressors, body);
        match exposition.compressed.get_or_try_init(compress).await {
            Ok(compressed) => {
                response.insert_header((header::CONTENT_ENCODING, GZIP));
                return response.body(Sliced::new(compressed.clone()));
            }
            // The body itself is as good.
            Err(error) => tracing::warn!(%error, "cannot compress an answer"),
        }
    }
    response.body(Sliced::new(exposition.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_exactly_one_selector() {
        let name = |query| {
            wanted(query)
                .map(|(name, _)| name.into_owned())
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
        assert_eq!(
            name("selector=&selector=a"),
            Err(Rejection::RepeatedSelector)
        );
    }

    #[test]
    fn only_debug_true_asks_for_an_explanation() {
        let form = |query| wanted(query).map(|(_, form)| form);
        assert_eq!(form("selector=a"), Ok(ResponseForm::Body));
        assert_eq!(form("selector=a&debug=false"), Ok(ResponseForm::Body));
        assert_eq!(form("selector=a&debug"), Ok(ResponseForm::Body));
        assert_eq!(form("debug=true&selector=a"), Ok(ResponseForm::Debug));
        assert_eq!(form("selector=a&debug=true&x"), Ok(ResponseForm::Debug));
    }
}
