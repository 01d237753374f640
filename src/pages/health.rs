//! `/-/healthy` and `/-/ready`, for whoever starts and restarts the exporter.
//!
//! Neither looks at sources: a daemon that is down is no reason to restart the
//! exporter.

use crate::exporter::Exporter;
use crate::http::reply;
use crate::phase::Phase;
use actix_web::{HttpResponse, web};
use local_exporter_actors::report::State;

/// `GET /-/healthy`: requests are served.
pub(crate) async fn healthy() -> HttpResponse {
    reply::well("local-exporter is healthy\n")
}

/// `GET /-/ready`: the listeners are up, every selector's actor has started,
/// and no end was asked for.
pub(crate) async fn ready(exporter: web::Data<Exporter>) -> HttpResponse {
    let starting = || {
        let registry = exporter.registry.load();
        registry
            .iter()
            .any(|handle| handle.state() == State::Starting)
    };
    match hindrance(*exporter.phase.borrow(), starting) {
        Some(sentence) => reply::unready(sentence),
        None => reply::well("local-exporter is ready\n"),
    }
}

/// Why it is not ready, if it is not.
fn hindrance(phase: Phase, actors_start: impl FnOnce() -> bool) -> Option<&'static str> {
    const STARTING: &str = "local-exporter is starting\n";
    match phase {
        Phase::Starting => Some(STARTING),
        Phase::Serving => actors_start().then_some(STARTING),
        // Those that were there before answer throughout.
        Phase::Reloading => None,
        Phase::Stopping => Some("local-exporter is stopping\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_from_when_all_is_up_until_it_is_to_stop() {
        let ready = |phase, starting| hindrance(phase, || starting).is_none();
        assert!(!ready(Phase::Starting, false));
        assert!(!ready(Phase::Serving, true));
        assert!(ready(Phase::Serving, false));
        assert!(ready(Phase::Reloading, true));
        assert!(!ready(Phase::Stopping, false));
    }
}
