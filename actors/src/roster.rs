//! The selectors of one configuration: who there is, and the door to each.
//!
//! A roster is made whole and replaced whole; nothing in it changes. Callers
//! knock at a [`Door`], which stays valid while its actor comes and goes behind
//! it. A roster that follows another takes over the doors of the selectors that
//! are as they were, with all that is behind them. Nothing here knows HTTP.

mod arbiters;
mod change;
mod door;
mod thread;

pub use arbiters::{Arbiters, Threads};
pub use change::Changes;
pub use door::Door;

use crate::metrics::Metrics;
use change::Change;
use door::Held;
use futures_util::future::join_all;
use local_exporter_config as config;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The doors, by name and in the order of the configuration.
#[derive(Debug, Default)]
pub struct Roster {
    doors: Vec<Arc<Door>>,
    by_name: HashMap<String, usize>,
}

/// A roster that follows another.
#[derive(Debug, Default)]
pub struct Renewal {
    /// The doors from now on.
    pub roster: Roster,
    /// What is different.
    pub changes: Changes,
    /// Those behind which there is a new actor.
    opened: Vec<Arc<Door>>,
}

impl Roster {
    /// Starts an actor for each selector.
    #[must_use]
    pub fn start(selectors: Vec<config::Selector>, arbiters: &Arbiters, metrics: &Metrics) -> Self {
        Self::default().renew(selectors, arbiters, metrics).roster
    }

    /// The roster of a new list of selectors. Those that are as they were keep their
    /// actors, with caches, connections and counters; for all others actors are
    /// started. The actors of this roster go on until nobody holds their doors.
    #[must_use]
    pub fn renew(
        &self,
        selectors: Vec<config::Selector>,
        arbiters: &Arbiters,
        metrics: &Metrics,
    ) -> Renewal {
        let mut renewal = Renewal::default();
        for selector in selectors {
            let old = self.get(&selector.name);
            let change = old.map(|door| Change::between(door.spec(), &selector));
            renewal.changes.note(&selector.name, change);
            let door = match (old, change) {
                (Some(door), Some(Change::Nothing)) => Arc::clone(door),
                (Some(door), Some(Change::Terms)) => Arc::new(door.on_terms(selector)),
                _ => {
                    let Some(place) = arbiters.place() else {
                        break;
                    };
                    let door = Arc::new(Door::open(selector, place, arbiters, metrics));
                    renewal.opened.push(Arc::clone(&door));
                    door
                }
            };
            renewal.roster.add(door);
        }
        let names = self.iter().map(|door| &door.spec().name);
        let gone = names.filter(|name| renewal.roster.get(name).is_none());
        renewal.changes.removed = gone.cloned().collect();
        renewal
    }

    /// The roster after a thread was held up for too long by code of an actor that does
    /// not return: all others that live there get new actors elsewhere. Whose code it
    /// is stays, and is refused scrapes for as long as it lasts; and so do all, where no
    /// thread is left to move to. Must be called within an actix system.
    #[must_use]
    pub fn rescue(&self, arbiters: &Arbiters, metrics: &Metrics) -> Renewal {
        arbiters.replace_held();
        let mut renewal = Renewal::default();
        for door in self.iter() {
            let selector = &door.spec().name;
            let moves = match door.held() {
                None | Some(Held::ByItself) => None,
                Some(Held::ByAnother) => arbiters.place().filter(|place| !place.is_given_up()),
            };
            let door = match moves {
                None => Arc::clone(door),
                Some(place) => {
                    renewal.changes.replaced.push(selector.clone());
                    let door = Door::open(door.spec().clone(), place, arbiters, metrics);
                    let door = Arc::new(door);
                    renewal.opened.push(Arc::clone(&door));
                    door
                }
            };
            renewal.roster.add(door);
        }
        renewal
    }

    fn add(&mut self, door: Arc<Door>) {
        let index = self.doors.len();
        self.by_name.insert(door.spec().name.clone(), index);
        self.doors.push(door);
    }

    /// The door of a selector.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Door>> {
        self.doors.get(*self.by_name.get(name)?)
    }

    /// All doors, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Door>> {
        self.doors.iter()
    }

    /// Whether there is no selector at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.doors.is_empty()
    }
}

impl Renewal {
    /// Waits until those of the new actors that answer from memory have something
    /// there, but for `within` at most: a source that hangs holds up nobody else.
    pub async fn prepared(&self, within: Duration) {
        let prepared = join_all(self.opened.iter().map(|door| door.prepared()));
        // Who is late is asked all the same, and says why there is nothing yet.
        let _ = timeout(within, prepared).await;
    }
}

#[cfg(test)]
mod renewal_test;
#[cfg(test)]
mod tests;
