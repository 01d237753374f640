//! What libraries log that nobody can act on, where neither level nor target tells
//! it from what somebody can.

use std::fmt::Debug;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

/// Where actix-server accepts connections. Of too few descriptors it tells from there as well.
const ACCEPTING: &str = "actix_server::accept";
/// What it says of a connection that comes while its workers stop, at every stop of a busy exporter.
const NO_WORKERS: &str = "No workers";

/// Lets all pass but noise.
#[derive(Clone, Copy, Debug)]
pub(super) struct SuppressExpected;

impl<S: Subscriber> Filter<S> for SuppressExpected {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let mut noise = Said(false);
        if event.metadata().target() == ACCEPTING {
            event.record(&mut noise);
        }
        !noise.0
    }
}

/// Whether an event says those words.
struct Said(bool);

impl Visit for Said {
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

    /// How many events reach it.
    #[derive(Clone, Default)]
    struct Count(Arc<Mutex<usize>>);

    impl<S: Subscriber> Layer<S> for Count {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            *self.0.lock().unwrap() += 1;
        }
    }

    #[test]
    fn only_what_is_said_at_every_stop_is_left_out() {
        let count = Count::default();
        let subscriber =
            tracing_subscriber::registry().with(count.clone().with_filter(SuppressExpected));
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: ACCEPTING, "{NO_WORKERS}");
            assert_eq!(*count.0.lock().unwrap(), 0);
            tracing::error!(target: ACCEPTING, "Error accepting connection: {}", 24);
            tracing::error!("{NO_WORKERS}");
            assert_eq!(*count.0.lock().unwrap(), 2);
        });
    }
}
