//! `/metrics`: the exporter's own metrics.
//!
//! Reads the registry and sends no message to an actor, so it responds while an actor is stuck.

use crate::exporter::Exporter;
use crate::http::{gzip, reply};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use prometheus::TEXT_FORMAT;

/// `GET /metrics`.
pub(crate) async fn page(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    for handle in exporter.registry.load().iter() {
        handle.age_metrics();
    }
    match exporter.metrics.text() {
        Ok(text) => {
            let mut response = HttpResponse::Ok();
            response.insert_header((header::CONTENT_TYPE, TEXT_FORMAT));
            gzip::respond(&request, &exporter.compressors, response, text.into()).await
        }
        Err(error) => reply::internal(&format!("cannot encode the metrics: {error}")),
    }
}
