//! Values of buses, each of which exists as long as a source uses its bus.

use crate::lock::lock;
use local_exporter_config::Bus;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

/// The values, by bus.
#[derive(Debug)]
pub(super) struct ByBus<T>(Mutex<HashMap<Bus, Entry<T>>>);

#[derive(Debug)]
struct Entry<T> {
    users: usize,
    value: Arc<T>,
}

/// The use of a value by one source; dropping it ends the use.
#[derive(Debug)]
pub(super) struct Use<T> {
    all: Arc<ByBus<T>>,
    bus: Bus,
    value: Arc<T>,
}

impl<T> Default for ByBus<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> Use<T> {
    /// Begins to use the value of a bus.
    pub(super) fn begin(all: Arc<ByBus<T>>, bus: &Bus) -> Self {
        let mut entries = lock(&all.0);
        let entry = entries.entry(bus.clone()).or_insert_with(|| Entry {
            users: 0,
            value: Arc::default(),
        });
        entry.users += 1;
        let value = Arc::clone(&entry.value);
        drop(entries);
        Self {
            all,
            bus: bus.clone(),
            value,
        }
    }
}

impl<T> Use<T> {
    /// The number of sources that use the value.
    pub(super) fn users(&self) -> usize {
        lock(&self.all.0)
            .get(&self.bus)
            .map_or(0, |entry| entry.users)
    }
}

impl<T> Deref for Use<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Drop for Use<T> {
    fn drop(&mut self) {
        let mut entries = lock(&self.all.0);
        if let Some(entry) = entries.get_mut(&self.bus) {
            entry.users -= 1;
            if entry.users == 0 {
                entries.remove(&self.bus);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_exists_as_long_as_it_is_used() {
        let all = Arc::<ByBus<Mutex<u32>>>::default();
        let begin = |bus: &Bus| Use::begin(Arc::clone(&all), bus);
        let (one, other) = (begin(&Bus::System), begin(&Bus::Session));
        *lock(&one) = 7;
        let two = begin(&Bus::System);
        assert_eq!((two.users(), other.users()), (2, 1));
        drop(one);
        assert_eq!((*lock(&two), *lock(&other)), (7, 0));
        drop(two);
        assert_eq!(*lock(&begin(&Bus::System)), 0);
    }
}
