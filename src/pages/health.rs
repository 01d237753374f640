//! `/-/healthy` and `/-/ready`, for service managers and container engines.
//!
//! Neither depends on sources: restarting the exporter does not help a daemon that is down.

use crate::exporter::Exporter;
use crate::http::reply;
use crate::phase::Phase;
use actix_web::{HttpResponse, web};
use local_exporter_actors::report::State;

/// `GET /-/healthy`: 200 while requests are served.
pub(crate) async fn healthy() -> HttpResponse {
    reply::ok("local-exporter is healthy\n")
}

/// `GET /-/ready`: 200 once the listeners are open and every actor has started, until shutdown.
pub(crate) async fn ready(exporter: web::Data<Exporter>) -> HttpResponse {
    let starting = || {
        let registry = exporter.registry.load();
        registry
            .iter()
            .any(|handle| handle.state() == State::Starting)
    };
    match not_ready(*exporter.phase.borrow(), starting) {
        Some(sentence) => reply::unavailable(sentence),
        None => reply::ok("local-exporter is ready\n"),
    }
}

/// The reason why the exporter is not ready.
fn not_ready(phase: Phase, actors_start: impl FnOnce() -> bool) -> Option<&'static str> {
    const STARTING: &str = "local-exporter is starting\n";
    match phase {
        Phase::Starting => Some(STARTING),
        Phase::Serving => actors_start().then_some(STARTING),
        // The running selectors respond during a reload.
        Phase::Reloading => None,
        Phase::Stopping => Some("local-exporter is stopping\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_from_the_end_of_startup_to_shutdown() {
        let ready = |phase, starting| not_ready(phase, || starting).is_none();
        assert!(!ready(Phase::Starting, false));
        assert!(!ready(Phase::Serving, true));
        assert!(ready(Phase::Serving, false));
        assert!(ready(Phase::Reloading, true));
        assert!(!ready(Phase::Stopping, false));
    }
}
