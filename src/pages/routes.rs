//! Every URL there is.
//!
//! | path | answer |
//! | --- | --- |
//! | `/bridge?selector=NAME` | one scrape of a selector ([`crate::pages::bridge`]) |
//! | `/sd` | every selector as a target, for Prometheus ([`crate::pages::sd`]) |
//! | `/metrics` | the exporter's own metrics ([`crate::pages::metrics`]) |
//! | `/config` | the configuration, as TOML ([`crate::pages::config`]) |
//! | `/-/reload` | reads it again, for POST and PUT alone ([`crate::pages::reload`]) |
//! | `/debug/actors` | what every selector is doing, as JSON ([`crate::pages::debug`]) |
//! | `/-/healthy` | 200 while requests are served ([`crate::pages::health`]) |
//! | `/-/ready` | 200 once every selector has started ([`crate::pages::health`]) |
//! | `/` | a page that names these, and the selectors ([`crate::pages::landing`]) |
//!
//! All others take GET and HEAD and nothing else. With a prefix, which comes from
//! [`Paths`], all of them are below it, and what is above leads to it, as Prometheus'
//! own exporters have it. `/metrics` is where [`Paths`] says. This file may not hold logic.

use super::{bridge, config, debug, health, landing, metrics, reload, sd};
use crate::http::reply;
use actix_web::{HttpResponse, Resource, Route, guard, web};
use local_exporter_config::Paths;
use std::future::ready;

/// Adds all of them to an application whose data is a [`crate::exporter::Exporter`].
pub(crate) fn configure(service: &mut web::ServiceConfig, paths: &Paths) {
    let prefix = paths.prefix.as_str();
    let page = |path: &str, handler: Route| page(vec![format!("{prefix}{path}")], handler);
    #[cfg(feature = "faults")]
    service.route("/debug/faults", web::post().to(debug::faults::order));
    service
        .service(page("/bridge", web::to(bridge::scrape)))
        .service(page("/sd", web::to(sd::targets)))
        // Where it takes the place of a page below, that one is not served.
        .service(page(&paths.telemetry, web::to(metrics::page)))
        .service(page("/debug/actors", web::to(debug::actors)))
        .service(page("/config", web::to(config::page)))
        .route(&format!("{prefix}/-/reload"), web::to(reload::reload))
        .service(page("/-/healthy", web::to(health::healthy)))
        .service(page("/-/ready", web::to(health::ready)))
        .service(page("/", web::to(landing::page)))
        .default_service(web::to(|| ready(reply::not_found())));
    if !prefix.is_empty() {
        service.service(above(prefix));
    }
}

/// What is above the pages, and leads to them.
fn above(prefix: &str) -> Resource {
    let first = format!("{prefix}/");
    let lead = web::to(move || ready(reply::found(&first)));
    page(vec!["/".to_owned(), prefix.to_owned()], lead)
}

fn page(patterns: Vec<String>, handler: Route) -> Resource {
    let readable = guard::Any(guard::Get()).or(guard::Head());
    web::resource(patterns)
        .route(handler.guard(readable))
        .default_service(web::to(method_not_allowed))
}

async fn method_not_allowed() -> HttpResponse {
    reply::method_not_allowed()
}
