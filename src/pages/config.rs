//! `/config`: the running configuration with all defaults. No key holds a secret, only paths of files that do.

use crate::exporter::Exporter;
use crate::http::reply;
use actix_web::{HttpResponse, web};
use std::convert::Infallible;

/// `GET /config`, as TOML.
pub(crate) async fn page(exporter: web::Data<Exporter>) -> HttpResponse {
    let text = || Ok::<_, Infallible>(exporter.text.load().to_string());
    match exporter.pages.config.get(String::new(), text) {
        Ok(page) => page.respond(reply::text_of()),
        Err(never) => match never {},
    }
}
