//! The selectors of one configuration, with a handle to the actor of each.
//!
//! A registry is immutable and is replaced as a whole. A [`SelectorHandle`] stays valid while
//! its actor restarts. Reconciliation with a new configuration takes over the handles, and so
//! the actors, of all selectors that did not change. This module must not depend on HTTP.

mod change;
mod handle;
mod thread;
mod threads;

pub use change::Changes;
pub use handle::SelectorHandle;
pub use threads::{ActorThreads, ThreadHandles};

use crate::metrics::Metrics;
use crate::source;
use change::SelectorChange;
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

/// A new registry, and how it differs from the previous one.
#[derive(Debug, Default)]
pub struct Reconciliation {
    /// The new registry.
    pub registry: Registry,
    /// The differences.
    pub changes: Changes,
    /// The handles of the actors that were started.
    started: Vec<Arc<SelectorHandle>>,
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

    /// The registry for a new list of selectors. Selectors that did not change keep their
    /// actors, with caches, connections and counters; actors are started for all others. The
    /// actors of this registry run until their last handle is dropped.
    #[must_use]
    pub fn reconcile(
        &self,
        selectors: Vec<config::Selector>,
        threads: &ActorThreads,
        metrics: &Metrics,
    ) -> Reconciliation {
        let mut reconciliation = Reconciliation::default();
        source::report(&selectors);
        for selector in selectors {
            let old = self.get(&selector.name);
            let change = old.map(|handle| SelectorChange::between(handle.spec(), &selector));
            reconciliation.changes.note(&selector.name, change);
            let handle = match (old, change) {
                (Some(handle), Some(SelectorChange::Unchanged)) => Arc::clone(handle),
                (Some(handle), Some(SelectorChange::AccessOrDiscovery)) => {
                    Arc::new(handle.with_settings(selector))
                }
                _ => {
                    let Some(slot) = threads.slot() else {
                        break;
                    };
                    let handle = Arc::new(SelectorHandle::start(selector, slot, threads, metrics));
                    reconciliation.started.push(Arc::clone(&handle));
                    handle
                }
            };
            reconciliation.registry.add(handle);
        }
        let names = self.iter().map(|handle| &handle.spec().name);
        let removed = names.filter(|name| reconciliation.registry.get(name).is_none());
        reconciliation.changes.removed = removed.cloned().collect();
        reconciliation
    }

    /// The registry after a thread became unresponsive: abandons the thread, and starts new
    /// actors on other threads for its selectors. The actor that blocks the thread is kept and
    /// counts as stuck, so its scrapes are refused until its code returns. All actors are kept
    /// if no responsive thread is left. Must be called within an actix system.
    #[must_use]
    pub fn evacuate(&self, threads: &ActorThreads, metrics: &Metrics) -> Reconciliation {
        threads.replace_unresponsive();
        let mut reconciliation = Reconciliation::default();
        for handle in self.iter() {
            let selector = &handle.spec().name;
            let new_slot = match handle.unresponsive() {
                None | Some(Unresponsive::OwnCode) => None,
                Some(Unresponsive::OtherActor) => {
                    threads.slot().filter(|slot| !slot.is_abandoned())
                }
            };
            let handle = match new_slot {
                None => Arc::clone(handle),
                Some(slot) => {
                    reconciliation.changes.replaced.push(selector.clone());
                    let handle =
                        SelectorHandle::start(handle.spec().clone(), slot, threads, metrics);
                    let handle = Arc::new(handle);
                    reconciliation.started.push(Arc::clone(&handle));
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

    /// Whether there are no selectors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }
}

impl Reconciliation {
    /// Waits until the new actors have filled their caches, and at most for `within`, so that a
    /// source that hangs does not delay the others.
    pub async fn ready(&self, within: Duration) {
        let ready = join_all(self.started.iter().map(|handle| handle.ready()));
        // A cache that is not filled in time returns an error that says so.
        let _ = timeout(within, ready).await;
    }
}

#[cfg(test)]
mod tests;
