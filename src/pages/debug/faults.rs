//! `POST /debug/faults?selector=NAME&order=WORDS`: injects a fault into an actor.
//!
//! Exists only with the feature `faults`, for tests of the whole program. The words are a fault
//! (`panic`, `stop`, `stuck`) and a place (`started`, `restarting`, `handler`, `pull`, `background`,
//! `read`, `validate`), or `release`, which cancels scheduled faults and releases stuck actors.

use crate::exporter::Exporter;
use crate::http::reply;
use actix_web::{HttpRequest, HttpResponse, web};

/// `POST /debug/faults`.
pub(crate) async fn inject(request: HttpRequest, exporter: web::Data<Exporter>) -> HttpResponse {
    let query = request.query_string().as_bytes();
    let value = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query);
        pairs
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    let registry = exporter.registry.load();
    let handle = value("selector").and_then(|name| registry.get(&name));
    let (Some(handle), Some(words)) = (handle, value("order")) else {
        return reply::internal("request /debug/faults?selector=NAME&order=WORDS");
    };
    match handle.inject_fault(&words) {
        Ok(()) => reply::ok("scheduled\n"),
        Err(error) => reply::internal(&error),
    }
}
