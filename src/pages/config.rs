//! `/config`: the configuration as it was loaded last, defaults included; no key of it holds a secret.

use crate::exporter::Exporter;
use crate::http::reply;
use actix_web::{HttpResponse, web};

/// `GET /config`, as TOML.
pub(crate) async fn page(exporter: web::Data<Exporter>) -> HttpResponse {
    reply::text(exporter.text.load().to_string())
}
