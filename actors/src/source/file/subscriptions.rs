//! The watches of one source, kept in line with its targets.
//!
//! If a directory cannot be watched, logs that once and relies on the `refresh`
//! timer. Tries again at each scan, and determines when the next one is due.

use super::error::retry_after;
use crate::log_limit::{LogLimit, LogLine};
use crate::report::WatchMode;
use crate::source::watch::pending_writes::PendingWrites;
use crate::source::watch::{MAX_TARGETS, Subscription, Target, Targets, Unwatched, Watches};
use local_exporter_config::shown;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The watches that are set for the targets of the latest scan.
#[derive(Debug)]
pub(super) struct Subscriptions {
    /// By the path of the directory.
    held: HashMap<PathBuf, Subscription>,
    pub(super) watching: WatchMode,
    /// The time since which a watch could not be set.
    refused_since: Option<Instant>,
    changes: LogLimit,
}

/// Whether a watch was set that was not set before, or should be set again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewed {
    Yes,
    No,
}

/// The first directory without events, and why.
type WithoutEvents = Option<(PathBuf, String)>;

impl Default for Subscriptions {
    fn default() -> Self {
        Self {
            held: HashMap::new(),
            watching: WatchMode::Events,
            refused_since: None,
            changes: LogLimit::default(),
        }
    }
}

impl Subscriptions {
    /// Watches all of `targets` and nothing else, as far as there are events.
    pub(super) async fn follow(
        &mut self,
        watches: &Watches,
        targets: Targets,
        pending_writes: &Arc<PendingWrites>,
    ) -> Renewed {
        let mut renewed = Renewed::No;
        let refused_before = self.refused_since.take();
        let mut without: WithoutEvents = targets.beyond.map(|directory| {
            let why = format!("more than {MAX_TARGETS} directories, which is the limit of watches");
            (directory, why)
        });
        let mut late = false;
        let mut held = HashMap::with_capacity(targets.watched.len());
        for target in targets.watched {
            if let Some(name) = target.without_events {
                without.get_or_insert_with(|| (target.directory.clone(), name.to_owned()));
            }
            if let Some(subscription) = self.take(&target) {
                held.insert(target.directory, subscription);
                continue;
            }
            let subscribed = match late {
                // Every further command would take as long.
                true => Err(Unwatched::Late),
                false => watches.subscribe(&target, pending_writes).await,
            };
            let refusal = match subscribed {
                Ok(subscription) => {
                    renewed = Renewed::Yes;
                    held.insert(target.directory, subscription);
                    continue;
                }
                Err(Unwatched::Gone) => {
                    renewed = Renewed::Yes;
                    continue;
                }
                Err(Unwatched::NoEvents(error)) => error,
                Err(Unwatched::Late) => {
                    late = true;
                    "the watcher thread did not reply in time".to_owned()
                }
            };
            self.refused_since = refused_before.or_else(|| Some(Instant::now()));
            without.get_or_insert_with(|| (target.directory.clone(), refusal));
        }
        self.held = held;
        self.report(without);
        renewed
    }

    /// The subscription that still watches a target, if there is one. Others stay until their
    /// targets are watched again, so that the watch of the kernel remains.
    fn take(&mut self, target: &Target) -> Option<Subscription> {
        let held = self.held.get(&target.directory)?;
        if !held.serves(target) {
            return None;
        }
        self.held.remove(&target.directory)
    }

    /// Records, and logs at a limited rate when it changes, whether all targets have events.
    fn report(&mut self, without: WithoutEvents) {
        let watching = match &without {
            Some(_) => WatchMode::Polling,
            None => WatchMode::Events,
        };
        let line = match self.watching == watching {
            true => self.changes.overdue(),
            false => self.changes.event(),
        };
        self.watching = watching;
        match (without, line.map(LogLine::suppressed)) {
            (Some((directory, error)), Some(suppressed)) => {
                let path = shown(&directory);
                tracing::warn!(%path, error, suppressed, "no file events, polling instead");
            }
            (None, Some(suppressed)) => {
                tracing::info!(suppressed, "file events are available again");
            }
            (_, None) => {}
        }
    }

    /// The time until the next attempt to set a watch that could not be set.
    pub(super) fn due(&self) -> Option<Duration> {
        let since = self.refused_since?;
        Some(retry_after(since.elapsed()))
    }
}
