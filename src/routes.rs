//! Every URL there is.
//!
//! | path | answer |
//! | --- | --- |
//! | `/bridge?selector=NAME` | one scrape of a selector ([`crate::bridge`]) |
//! | `/metrics` | the exporter's own metrics ([`crate::metrics`]) |
//! | `/debug/actors` | what every selector is doing, as JSON ([`crate::debug`]) |
//! | `/-/healthy` | 200 while requests are served ([`crate::health`]) |
//! | `/-/ready` | 200 once every selector has started ([`crate::health`]) |
//! | `/` | a page that names these, and the selectors ([`crate::landing`]) |
//!
//! All of them take GET and HEAD and nothing else. This file may not hold logic.

use crate::{bridge, debug, health, landing, metrics, reply};
use actix_web::{HttpResponse, Resource, guard, web};
use std::future::ready;

/// Adds all of them to an application whose data is a [`crate::Exporter`].
pub fn configure(service: &mut web::ServiceConfig) {
    #[cfg(feature = "faults")]
    service.route("/debug/faults", web::post().to(debug::faults::order));
    service
        .service(page("/bridge", web::to(bridge::scrape)))
        .service(page("/metrics", web::to(metrics::page)))
        .service(page("/debug/actors", web::to(debug::actors)))
        .service(page("/-/healthy", web::to(health::healthy)))
        .service(page("/-/ready", web::to(health::ready)))
        .service(page("/", web::to(landing::page)))
        .default_service(web::to(|| ready(reply::not_found())));
}

fn page(path: &'static str, handler: actix_web::Route) -> Resource {
    let readable = guard::Any(guard::Get()).or(guard::Head());
    web::resource(path)
        .route(handler.guard(readable))
        .default_service(web::to(method_not_allowed))
}

async fn method_not_allowed() -> HttpResponse {
    reply::method_not_allowed()
}
