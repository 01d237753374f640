//! `/-/reload`, like Prometheus' own: a reload over HTTP, if `service.lifecycle` enables it.

use crate::exporter::Exporter;
use crate::http::reply;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use local_exporter_config::Lifecycle;

/// `POST /-/reload` or `PUT`: reloads and returns the result, with the drop-ins that were left out.
pub(crate) async fn reload(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    if ![Method::POST, Method::PUT].contains(request.method()) {
        return reply::method_not_allowed("POST, PUT", "only POST and PUT are allowed\n");
    }
    if exporter.settings.load().service.lifecycle == Lifecycle::Disabled {
        return reply::forbidden("Lifecycle API is not enabled.\n");
    }
    match exporter.reloader.reload().await {
        Ok(left_out) => reply::text(format!("the configuration was reloaded\n{left_out}")),
        Err(error) => reply::internal(&format!("failed to reload config: {error}")),
    }
}
