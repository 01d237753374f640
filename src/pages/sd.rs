//! `/sd`: every selector as a target, for Prometheus' HTTP service discovery.
//!
//! The response has one group per selector in the order of the configuration, since Prometheus
//! identifies groups by their position. Labels that begin with `__` configure the scrape without
//! relabelling; Prometheus drops them afterwards. The page sends no message to an actor, so a daemon
//! that is down stays a target, with `up` 0.

mod target;

pub(crate) use target::{ExternalAddress, TargetGroup, is_target, unix_socket};

use crate::exporter::Exporter;
use crate::http::client::Scheme;
use crate::http::reply;
use actix_web::http::header;
use actix_web::http::uri::Authority;
use actix_web::{HttpRequest, HttpResponse, web};
use local_exporter_config::Paths;
use std::collections::BTreeMap;

/// The media type that Prometheus requires, without parameters.
const JSON: &str = "application/json";

/// The configured external URL, or else the address of this request; `None` if that is unusable.
fn for_request<'a>(request: &'a HttpRequest, paths: &'a Paths) -> Option<ExternalAddress<'a>> {
    ExternalAddress::configured(paths).or_else(|| {
        Some(ExternalAddress {
            scheme: request.conn_data().unwrap_or(&Scheme::Http).as_str(),
            authority: host(request)?,
            prefix: &paths.prefix,
            unix_socket: None,
        })
    })
}

/// The host and port that a request is for, if they are valid in a target.
fn host(request: &HttpRequest) -> Option<&str> {
    // HTTP/2 sends it in the URI (RFC 9113, section 8.3.1).
    let in_uri = request.uri().authority().map(Authority::as_str);
    let mut headers = request.headers().get_all(header::HOST);
    let in_header = headers.next().and_then(|host| host.to_str().ok());
    if headers.next().is_some() {
        return None;
    }
    in_uri.or(in_header).filter(|host| is_target(host))
}

/// Whether the targets are for scrapers on this host that use the unix socket.
fn wants_unix_socket(request: &HttpRequest) -> bool {
    let mut query = form_urlencoded::parse(request.query_string().as_bytes());
    query.any(|(name, value)| name == "unix_socket" && value == "true")
}

/// `GET /sd[?unix_socket=true]`.
pub(crate) async fn targets(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    let settings = exporter.settings.load();
    let Some(mut address) = for_request(&request, &settings.service.paths) else {
        return reply::bad_request(
            "the request has no valid Host header, so the address of the exporter is unknown; \
             set --web.external-url",
        );
    };
    if wants_unix_socket(&request) {
        address.unix_socket = unix_socket(&settings.service);
        if address.unix_socket.is_none() {
            return reply::bad_request(
                "the exporter does not listen on a unix socket; add one to service.listen",
            );
        }
    }
    let render = || {
        let (selectors, none) = (settings.selectors.iter(), BTreeMap::new());
        let groups = selectors.map(|it| TargetGroup::of(it, &address, &none));
        serde_json::to_string(&groups.collect::<Vec<_>>())
    };
    match exporter.pages.targets.get(format!("{address:?}"), render) {
        Ok(page) => {
            let mut response = HttpResponse::Ok();
            response.insert_header((header::CONTENT_TYPE, JSON));
            page.respond_compressed(&request, &exporter.compressors, response)
                .await
        }
        Err(error) => reply::internal(&format!("cannot encode the targets: {error}")),
    }
}
