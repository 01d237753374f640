//! The table of taken slots, and the choice of the connection to evict.
//!
//! Knows neither the clock nor the configured limits.

use super::occupancy::Occupancy;
use super::slot::{ConnectionSlot, Priority};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

/// Reserved slots, beyond `max_connections`: pages about the exporter stay reachable while
/// all of its connections are busy.
pub(crate) const RESERVE: usize = 32;

/// The taken slots, without evicted ones.
#[derive(Debug, Default)]
pub(super) struct ConnectionSlots {
    /// By number, which ascends.
    taken: HashMap<u64, Arc<ConnectionSlot>>,
    next: u64,
    normal: IdleQueue,
    reserved: IdleQueue,
}

/// Slot numbers by the time when they were last known to become idle, the earliest first.
/// Requests do not update it: they are far more frequent than evictions, which check each
/// entry when it is its turn.
type IdleQueue = BinaryHeap<Reverse<(u64, u64)>>;

impl ConnectionSlots {
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<ConnectionSlot>> {
        self.taken.values()
    }

    /// Frees a slot for a new connection, if necessary; returns the priority that it gets. There
    /// are `normal` slots of normal priority, and `most` including the reserved ones. If all are
    /// taken, the connection that has been idle the longest is evicted; `None` if none is idle.
    pub(super) fn free_slot(&mut self, normal: usize, most: usize, now: u64) -> Option<Priority> {
        let reserve = self.len() < most;
        if self.len() < normal || self.evict_idle(Priority::Normal, now) {
            Some(Priority::Normal)
        } else if reserve || self.evict_idle(Priority::Reserved, now) {
            Some(Priority::Reserved)
        } else {
            None
        }
    }

    /// Inserts the slot that `slot` creates for a number.
    pub(super) fn insert(
        &mut self,
        slot: impl FnOnce(u64) -> ConnectionSlot,
        now: u64,
    ) -> Arc<ConnectionSlot> {
        let number = self.next;
        self.next += 1;
        let slot = Arc::new(slot(number));
        self.taken.insert(number, Arc::clone(&slot));
        self.queue(slot.priority()).push(Reverse((now, number)));
        slot
    }

    /// Removes the slot of a connection that has ended.
    pub(super) fn remove(&mut self, slot: &ConnectionSlot) {
        self.taken.remove(&slot.number());
        self.compact(slot.priority());
    }

    fn queue(&mut self, priority: Priority) -> &mut IdleQueue {
        match priority {
            Priority::Normal => &mut self.normal,
            Priority::Reserved => &mut self.reserved,
        }
    }

    /// Evicts the connection of a priority that has been idle the longest; returns whether
    /// there was one.
    fn evict_idle(&mut self, priority: Priority, now: u64) -> bool {
        let mut candidates = self.queue(priority).len();
        // At most two turns for each: one to learn since when it is idle, one to evict it.
        for _ in 0..2 * candidates {
            if candidates == 0 {
                break;
            }
            let Some(Reverse((since, number))) = self.queue(priority).pop() else {
                break;
            };
            let Some(slot) = self.taken.get(&number) else {
                candidates -= 1;
                continue;
            };
            let since = match slot.evict_if_idle_since(since) {
                Ok(()) => {
                    self.taken.remove(&number);
                    return true;
                }
                Err(Occupancy::IdleSince(since)) => since,
                Err(Occupancy::Busy | Occupancy::Evicted) => {
                    candidates -= 1;
                    now
                }
            };
            self.queue(priority).push(Reverse((since, number)));
        }
        false
    }

    /// Bounds a queue in proportion to the number of slots.
    fn compact(&mut self, priority: Priority) {
        let mut queue = std::mem::take(self.queue(priority));
        if queue.len() > 2 * self.taken.len() + RESERVE {
            queue.retain(|Reverse((_, number))| self.taken.contains_key(number));
        }
        *self.queue(priority) = queue;
    }

    /// Number of queued normal slots.
    #[cfg(test)]
    pub(super) fn queued(&self) -> usize {
        self.normal.len()
    }
}
