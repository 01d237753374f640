//! `/metrics`: the exporter's own metrics.
//!
//! Reads the registry and sends no message to an actor, so it responds while an actor is stuck.

use crate::exporter::Exporter;
use crate::http::reply;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use prometheus::TEXT_FORMAT;

/// `GET /metrics`.
pub(crate) async fn page(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    let render = || {
        for handle in exporter.registry.load().iter() {
            handle.age_metrics();
        }
        exporter.metrics.text()
    };
    match exporter.pages.metrics.get(String::new(), render) {
        Ok(page) => {
            let mut response = HttpResponse::Ok();
            response.insert_header((header::CONTENT_TYPE, TEXT_FORMAT));
            page.respond_compressed(&request, &exporter.compressors, response)
                .await
        }
        Err(error) => reply::internal(&format!("cannot encode the metrics: {error}")),
    }
}
