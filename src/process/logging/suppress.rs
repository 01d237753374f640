//! Suppresses log events of libraries that report normal operation as an error, and that no filter
//! by level or target can select.

use std::fmt::Debug;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

/// The target of actix-server's accept loop, which also reports a lack of descriptors.
const ACCEPT_LOOP: &str = "actix_server::accept";
/// Its message about a connection that arrives during shutdown.
const NO_WORKERS: &str = "No workers";

/// Passes all events but the suppressed ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct SuppressExpected;

impl<S: Subscriber> Filter<S> for SuppressExpected {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let mut no_workers = IsNoWorkers(false);
        if event.metadata().target() == ACCEPT_LOOP {
            event.record(&mut no_workers);
        }
        !no_workers.0
    }
}

/// Whether the message of an event is [`NO_WORKERS`].
struct IsNoWorkers(bool);

impl Visit for IsNoWorkers {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}") == NO_WORKERS;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::Layer;
    use tracing_subscriber::prelude::*;

    /// Counts the events that reach it.
    #[derive(Clone, Default)]
    struct Count(Arc<Mutex<usize>>);

    impl<S: Subscriber> Layer<S> for Count {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            *self.0.lock().unwrap() += 1;
        }
    }

    #[test]
    fn only_the_message_of_every_shutdown_is_suppressed() {
        let count = Count::default();
        let subscriber =
            tracing_subscriber::registry().with(count.clone().with_filter(SuppressExpected));
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: ACCEPT_LOOP, "{NO_WORKERS}");
            assert_eq!(*count.0.lock().unwrap(), 0);
            tracing::error!(target: ACCEPT_LOOP, "Error accepting connection: {}", 24);
            tracing::error!("{NO_WORKERS}");
            assert_eq!(*count.0.lock().unwrap(), 2);
        });
    }
}
