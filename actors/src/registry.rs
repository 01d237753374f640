//! The selectors of one configuration: who there is, and the handle to each.
//!
//! A registry is made whole and replaced whole; nothing in it changes. Callers
//! knock at a [`SelectorHandle`], which stays valid while its actor comes and goes behind
//! it. A registry that follows another takes over the handles of the selectors that
//! are as they were, with all that is behind them. Nothing here knows HTTP.

mod change;
mod handle;
mod thread;
mod threads;

pub use change::Changes;
pub use handle::SelectorHandle;
pub use threads::{ActorThreads, ThreadHandles};

use crate::metrics::Metrics;
use change::Change;
use futures_util::future::join_all;
use handle::Unresponsive;
use local_exporter_config as config;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The handles, by name and in the order of the configuration.
#[derive(Debug, Default)]
pub struct Registry {
    handles: Vec<Arc<SelectorHandle>>,
    by_name: HashMap<String, usize>,
}

/// A registry that follows another.
#[derive(Debug, Default)]
pub struct Reconciliation {
    /// The handles from now on.
    pub registry: Registry,
    /// What is different.
    pub changes: Changes,
    /// Those behind which there is a new actor.
    opened: Vec<Arc<SelectorHandle>>,
}

impl Registry {
    /// Starts an actor for each selector.
    #[must_use]
    pub fn start(
        selectors: Vec<config::Selector>,
        threads: &ActorThreads,
        metrics: &Metrics,
    ) -> Self {
        Self::default()
            .reconcile(selectors, threads, metrics)
            .registry
    }

    /// The registry of a new list of selectors. Those that are as they were keep their
    /// actors, with caches, connections and counters; for all others actors are
    /// started. The actors of this registry go on until nobody holds their handles.
    #[must_use]
    pub fn reconcile(
        &self,
        selectors: Vec<config::Selector>,
        threads: &ActorThreads,
        metrics: &Metrics,
    ) -> Reconciliation {
        let mut reconciliation = Reconciliation::default();
        for selector in selectors {
            let old = self.get(&selector.name);
            let change = old.map(|handle| Change::between(handle.spec(), &selector));
            reconciliation.changes.note(&selector.name, change);
            let handle = match (old, change) {
                (Some(handle), Some(Change::Nothing)) => Arc::clone(handle),
                (Some(handle), Some(Change::Terms)) => Arc::new(handle.on_terms(selector)),
                _ => {
                    let Some(slot) = threads.slot() else {
                        break;
                    };
                    let handle = Arc::new(SelectorHandle::open(selector, slot, threads, metrics));
                    reconciliation.opened.push(Arc::clone(&handle));
                    handle
                }
            };
            reconciliation.registry.add(handle);
        }
        let names = self.iter().map(|handle| &handle.spec().name);
        let gone = names.filter(|name| reconciliation.registry.get(name).is_none());
        reconciliation.changes.removed = gone.cloned().collect();
        reconciliation
    }

    /// The registry after a thread was held up for too long by code of an actor that does
    /// not return: all others that live there get new actors elsewhere. Whose code it
    /// is stays, and is refused scrapes for as long as it lasts; and so do all, where no
    /// thread is left to move to. Must be called within an actix system.
    #[must_use]
    pub fn evacuate(&self, threads: &ActorThreads, metrics: &Metrics) -> Reconciliation {
        threads.replace_unresponsive();
        let mut reconciliation = Reconciliation::default();
        for handle in self.iter() {
            let selector = &handle.spec().name;
            let moves = match handle.unresponsive() {
                None | Some(Unresponsive::OwnCode) => None,
                Some(Unresponsive::OtherActor) => {
                    threads.slot().filter(|slot| !slot.is_abandoned())
                }
            };
            let handle = match moves {
                None => Arc::clone(handle),
                Some(slot) => {
                    reconciliation.changes.replaced.push(selector.clone());
                    let handle =
                        SelectorHandle::open(handle.spec().clone(), slot, threads, metrics);
                    let handle = Arc::new(handle);
                    reconciliation.opened.push(Arc::clone(&handle));
                    handle
                }
            };
            reconciliation.registry.add(handle);
        }
        reconciliation
    }

    fn add(&mut self, handle: Arc<SelectorHandle>) {
        let index = self.handles.len();
        self.by_name.insert(handle.spec().name.clone(), index);
        self.handles.push(handle);
    }

    /// The handle of a selector.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<SelectorHandle>> {
        self.handles.get(*self.by_name.get(name)?)
    }

    /// All handles, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<SelectorHandle>> {
        self.handles.iter()
    }

    /// Whether there is no selector at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }
}

impl Reconciliation {
    /// Waits until those of the new actors that answer from memory have something
    /// there, but for `within` at most: a source that hangs holds up nobody else.
    pub async fn prepared(&self, within: Duration) {
        let prepared = join_all(self.opened.iter().map(|handle| handle.prepared()));
        // Who is late is asked all the same, and says why there is nothing yet.
        let _ = timeout(within, prepared).await;
    }
}

#[cfg(test)]
mod reconcile_test;
#[cfg(test)]
mod tests;
