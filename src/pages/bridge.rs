//! `/bridge`: one scrape of one selector.
//!
//! Sends the selector's actor a message through its handle and returns the result. It does no I/O
//! and knows no kind of source. With `debug=true` it returns a text about the scrape instead
//! ([`explain`]).

mod accept;
mod explain;
mod request;
mod timeout;

pub use accept::accepted;
pub use request::{ResponseForm, ScrapeRequest};
pub use timeout::SCRAPE_TIMEOUT_HEADER;

use crate::exporter::Exporter;
use crate::http::body;
use crate::http::connections::{ConnectionSlot, Priority};
use crate::http::gzip::{self, Compressors, GZIP};
use crate::http::reply::{self, OfSelector};
use crate::limits::Rejection;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use local_exporter_actors::{Accepted, Exposition, SelectorHandle};
use local_exporter_config::{DropInState, similar};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// The request headers on which the response depends, for caches in between.
const VARY: HeaderValue = HeaderValue::from_static("accept, accept-encoding");
/// The most characters of an unknown selector's name in an error message.
const MAX_SHOWN_NAME: usize = 80;
/// The most drop-ins with errors in that message.
const MAX_SHOWN_DROP_INS: usize = 5;

/// `GET /bridge?selector=NAME[&debug=true]`.
pub(crate) async fn scrape(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    let found = may_scrape(&request).and_then(|()| {
        let offset = exporter.settings.load().service.timeout_offset;
        let scrape = ScrapeRequest::parse(request.query_string(), request.headers(), offset)?;
        Ok((find_selector(&scrape.selector, &exporter)?, scrape))
    });
    let (handle, scrape) = match found {
        Ok(found) => found,
        Err((rejection, message)) => {
            exporter.metrics.rejected(rejection);
            return reply::rejected(rejection, &message);
        }
    };
    let mut response = match scrape.form {
        ResponseForm::Debug => debug_response(&handle, &scrape).await,
        ResponseForm::Body => match handle.scrape(scrape.timeout, scrape.accepted).await {
            Ok(exposition) => {
                body_response(&request, exposition, exporter.compressors.clone()).await
            }
            Err(error) => reply::failed(&handle.spec().name, &error),
        },
    };
    let name = handle.spec().name.clone();
    response.extensions_mut().insert(OfSelector(name));
    response
}

/// Scrapes as usual and returns a text about the scrape, which shows the names of the daemon.
async fn debug_response(handle: &SelectorHandle, scrape: &ScrapeRequest<'_>) -> HttpResponse {
    let (started, clock) = (SystemTime::now(), Instant::now());
    let result = handle.scrape(scrape.timeout, Accepted::EVERYTHING).await;
    let pieces = explain::explain(&explain::FinishedScrape {
        handle,
        started,
        duration: clock.elapsed(),
        timeout: scrape.timeout,
        result: &result,
    });
    body::in_pieces(reply::text_of(), pieces)
}

/// Rejects scrapes on reserved connections, which serve the other pages only.
fn may_scrape(request: &HttpRequest) -> Result<(), (Rejection, String)> {
    let slot = request.conn_data::<Arc<ConnectionSlot>>();
    match slot.map_or(Priority::Normal, |slot| slot.priority()) {
        Priority::Normal => Ok(()),
        Priority::Reserved => {
            let message = "all connections (service.max_connections) are in use";
            Err((Rejection::NoConnection, message.to_owned()))
        }
    }
}

/// The selector of that name.
fn find_selector(
    name: &str,
    exporter: &Exporter,
) -> Result<Arc<SelectorHandle>, (Rejection, String)> {
    let registry = exporter.registry.load();
    let handle = registry.get(name).cloned();
    handle.ok_or_else(|| {
        let known = registry.iter().map(|handle| handle.spec().name.as_str());
        let message = unknown_selector(name, similar(name, known), &exporter.drop_ins.load());
        (Rejection::UnknownSelector, message)
    })
}

/// The message about a selector that is not configured. Its drop-in may have an error.
fn unknown_selector(name: &str, similar: Option<&str>, drop_ins: &DropInState) -> String {
    // Escaped and shortened: the name comes from the request.
    let shown: String = name.chars().take(MAX_SHOWN_NAME).collect();
    let meant = similar.map_or_else(String::new, |similar| {
        format!("; did you mean {similar:?}?")
    });
    let rejected: Vec<_> = drop_ins.rejected.keys().take(MAX_SHOWN_DROP_INS).collect();
    let more = drop_ins.rejected.len() - rejected.len();
    let rejected: Vec<&str> = rejected.into_iter().map(String::as_str).collect();
    let rejected = match (rejected.join(", "), more) {
        (files, _) if files.is_empty() => files,
        (files, 0) => format!("; drop-ins with errors: {files}"),
        (files, more) => format!("; drop-ins with errors: {files} and {more} more"),
    };
    format!("selector {shown:?}: no selector of that name is configured{meant}{rejected}")
}

/// The body, byte for byte, with its media type; compressed if the client accepts that.
async fn body_response(
    request: &HttpRequest,
    exposition: Exposition,
    compressors: web::Data<Compressors>,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    let content_type = exposition.content_type();
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
    response.insert_header((header::VARY, VARY));
    if let Some(cached_at) = exposition.cached_at {
        // RFC 9111, section 5.1: whole seconds since the body was known to be current.
        response.insert_header((header::AGE, cached_at.elapsed().as_secs()));
    }
    if exposition.body.len() >= gzip::MIN_SIZE && gzip::is_accepted(request) {
        let body = exposition.body.clone();
        let compress = || Compressors::compress(compressors.clone(), body);
        match exposition.compressed.get_or_try_init(compress).await {
            Ok(compressed) => {
                response.insert_header((header::CONTENT_ENCODING, GZIP));
                return response.body(compressed.clone());
            }
            // The uncompressed body is returned instead.
            Err(error) => compressors.log_failure(&error),
        }
    }
    response.body(exposition.body)
}
