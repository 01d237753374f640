//! `/-/healthy` and `/-/ready`, for whoever starts and restarts the exporter.
//!
//! Neither looks at sources: a daemon that is down is no reason to restart the
//! exporter.

use crate::{Exporter, reply};
use actix_web::{HttpResponse, web};
use local_exporter_actors::status::State;

/// `GET /-/healthy`: requests are served.
pub async fn healthy() -> HttpResponse {
    reply::well("local-exporter is healthy\n")
}

/// `GET /-/ready`: every selector's actor has started.
pub async fn ready(exporter: web::Data<Exporter>) -> HttpResponse {
    let roster = exporter.roster.load();
    if roster.iter().any(|door| door.state() == State::Starting) {
        return reply::unready("local-exporter is starting\n");
    }
    reply::well("local-exporter is ready\n")
}
