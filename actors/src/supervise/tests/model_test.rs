//! Random sequences of events of an actor, compared with a model of the supervisor.
//!
//! The model has the rules of `supervise.rs` and `backoff.rs` but not their implementation.
//! Only the length of each back-off is read from the actor, because of its jitter, and compared
//! with its limits. The clock is paused, so that everything else is exact.

mod trial;

use super::subject::Point;
use crate::paused::paused;
use proptest::prelude::*;
use std::time::Duration;
use trial::Trial;

/// An event of an actor.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A message that succeeds.
    Scrape,
    /// A message that never completes.
    Hang,
    /// A message that makes the actor fail.
    Fail(Point),
    /// The actor will fail this often when it starts.
    FailStarting(u32),
    /// The actor will fail this often when its fields are reset.
    FailRestarting(u32),
    /// Time passes.
    Wait(Duration),
    /// The back-off passes, if there is one.
    Recover,
}

fn event() -> impl Strategy<Value = Event> {
    let point = prop_oneof![
        Just(Point::Handler),
        Just(Point::Future),
        Just(Point::Timer),
        Just(Point::Stop)
    ];
    let wait = prop::sample::select(vec![5, 79, 500, 31_000, 59_000, 61_000]);
    prop_oneof![
        4 => Just(Event::Scrape),
        1 => Just(Event::Hang),
        4 => point.prop_map(Event::Fail),
        1 => (1..4_u32).prop_map(Event::FailStarting),
        1 => (1..4_u32).prop_map(Event::FailRestarting),
        2 => wait.prop_map(|millis| Event::Wait(Duration::from_millis(millis))),
        4 => Just(Event::Recover),
    ]
}

proptest! {
    #[test]
    fn after_any_sequence_of_events_the_actor_is_in_the_state_of_the_model(
        events in prop::collection::vec(event(), 1..40),
        seed in any::<u64>(),
    ) {
        // The jitter is the same whenever a case is repeated.
        fastrand::seed(seed);
        paused(async move {
            let mut trial = Trial::begin().await;
            for event in events {
                trial.apply(event).await;
                trial.compare();
            }
            trial.shut_down().await;
        });
    }
}
