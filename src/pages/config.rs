//! `/config`: the running configuration with all defaults. No key holds a secret, only paths of files that do.

use crate::exporter::Exporter;
use crate::http::reply;
use actix_web::{HttpResponse, web};

/// `GET /config`, as TOML.
pub(crate) async fn page(exporter: web::Data<Exporter>) -> HttpResponse {
    reply::text(exporter.text.load().to_string())
}
