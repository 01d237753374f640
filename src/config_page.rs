//! `/config`: the configuration that runs, defaults included, secrets left out.

use crate::{Exporter, reply};
use actix_web::{HttpResponse, web};

/// `GET /config`, as TOML.
pub async fn page(exporter: web::Data<Exporter>) -> HttpResponse {
    reply::text(exporter.text.load().to_string())
}
