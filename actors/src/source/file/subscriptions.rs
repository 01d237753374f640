//! The watches of one source, kept in step with the directories that matter.
//!
//! Where events cannot be had, says so once and leaves the rest to the timer;
//! tries again at each look, and says when to look for that.

use super::expand::MOST_TARGETS;
use super::pending_writes::PendingWrites;
use super::retry_after;
use super::watch::{Subscription, Targets, Unwatched, Watches};
use crate::report::WatchMode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The watches that are set for the targets of the last look.
#[derive(Debug)]
pub(super) struct Subscriptions {
    held: Vec<Subscription>,
    pub(super) watching: WatchMode,
    /// Since when a watch could not be set.
    refused_since: Option<Instant>,
}

impl Default for Subscriptions {
    fn default() -> Self {
        Self {
            held: Vec::new(),
            watching: WatchMode::Events,
            refused_since: None,
        }
    }
}

/// Whether a watch was set that had not been, or might have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewed {
    Yes,
    No,
}

impl Subscriptions {
    /// Watches all of `targets` and nothing else, as far as events can be had.
    pub(super) async fn follow(
        &mut self,
        watches: &Watches,
        targets: Targets,
        pending_writes: &Arc<PendingWrites>,
    ) -> Renewed {
        let mut renewed = Renewed::No;
        let refused_before = self.refused_since.take();
        let mut without = targets.beyond.map(|directory| {
            let why = format!("more than {MOST_TARGETS} directories are not watched");
            (directory, why)
        });
        let mut late = false;
        let mut held = Vec::with_capacity(targets.watched.len());
        for target in targets.watched {
            if let Some(place) = target.without_events {
                without.get_or_insert_with(|| (target.directory.clone(), place.to_owned()));
            }
            let serves = |held: &Subscription| held.serves(&target);
            if let Some(index) = self.held.iter().position(serves) {
                held.push(self.held.swap_remove(index));
                continue;
            }
            let subscribed = match late {
                // Each would take as long again.
                true => Err(Unwatched::Late),
                false => watches.subscribe(&target, pending_writes).await,
            };
            let refusal = match subscribed {
                Ok(subscription) => {
                    renewed = Renewed::Yes;
                    held.push(subscription);
                    continue;
                }
                Err(Unwatched::Gone) => {
                    renewed = Renewed::Yes;
                    continue;
                }
                Err(Unwatched::NoEvents(error)) => error,
                Err(Unwatched::Late) => {
                    late = true;
                    "inotify did not answer in time".to_owned()
                }
            };
            self.refused_since = refused_before.or_else(|| Some(Instant::now()));
            without.get_or_insert_with(|| (target.directory.clone(), refusal));
        }
        let watching = match &without {
            Some(_) => WatchMode::Polling,
            None => WatchMode::Events,
        };
        if let (WatchMode::Events, Some((directory, error))) = (self.watching, without) {
            let directory = directory.display();
            tracing::warn!(%directory, error, "no file events, polling instead");
        }
        if (self.watching, watching) == (WatchMode::Polling, WatchMode::Events) {
            tracing::info!("file events again");
        }
        self.held = held;
        self.watching = watching;
        renewed
    }

    /// When to try again to set a watch that could not be set.
    pub(super) fn due(&self) -> Option<Duration> {
        let since = self.refused_since?;
        Some(retry_after(since.elapsed()))
    }
}
