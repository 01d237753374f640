//! Routes: which handler serves which endpoint. No logic.
//!
//! [`ENDPOINTS`] lists the paths and methods. With a route prefix, all of them are below it, and the
//! paths above redirect to it, as in Prometheus' own exporters.

use super::endpoints::{ENDPOINTS, Methods, Page};
use super::{bridge, config, debug, health, landing, metrics, reload, sd};
use crate::http::reply;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, Resource, Route, guard, web};
use local_exporter_config::Paths;
use std::future::ready;

/// Adds all endpoints to an application whose data is a [`crate::exporter::Exporter`].
pub(crate) fn configure(service: &mut web::ServiceConfig, paths: &Paths) {
    let prefix = paths.prefix.as_str();
    #[cfg(feature = "faults")]
    service.route("/debug/faults", web::post().to(debug::faults::inject));
    for endpoint in ENDPOINTS {
        let path = format!("{prefix}{}", endpoint.configured_path(paths));
        match endpoint.methods {
            Methods::Read => service.service(readable(vec![path], handler(endpoint.page))),
            // The handler rejects other methods itself.
            Methods::Write => service.route(&path, handler(endpoint.page)),
        };
    }
    service.default_service(web::to(other));
    if !prefix.is_empty() {
        service.service(above(prefix));
    }
}

fn handler(page: Page) -> Route {
    match page {
        Page::Bridge => web::to(bridge::scrape),
        Page::ServiceDiscovery => web::to(sd::targets),
        Page::Metrics => web::to(metrics::page),
        Page::DebugActors => web::to(debug::actors),
        Page::Config => web::to(config::page),
        Page::Reload => web::to(reload::reload),
        Page::Healthy => web::to(health::healthy),
        Page::Ready => web::to(health::ready),
        Page::Landing => web::to(landing::page),
    }
}

/// The paths above a route prefix, which redirect to it.
fn above(prefix: &str) -> Resource {
    let first = format!("{prefix}/");
    let redirect = web::to(move || ready(reply::redirect(&first)));
    readable(vec!["/".to_owned(), prefix.to_owned()], redirect)
}

/// A resource that accepts GET and HEAD.
fn readable(patterns: Vec<String>, handler: Route) -> Resource {
    let methods = guard::Any(guard::Get()).or(guard::Head());
    web::resource(patterns)
        .route(handler.guard(methods))
        .default_service(web::to(method_not_allowed))
}

/// A method other than GET and HEAD. `OPTIONS /` is the health check of `HAProxy`.
async fn method_not_allowed(request: HttpRequest) -> HttpResponse {
    if request.method() == Method::OPTIONS && request.path().ends_with('/') {
        return reply::options();
    }
    reply::method_not_allowed("GET, HEAD", "only GET and HEAD are allowed\n")
}

/// A path without a page, or `OPTIONS *` (RFC 9110, section 9.3.7).
async fn other(request: HttpRequest) -> HttpResponse {
    if request.method() == Method::OPTIONS && request.path() == "*" {
        return reply::options();
    }
    reply::not_found()
}
