//! All seats that are taken: who is in which, and which of them gives way.
//!
//! It knows neither the clock nor how many seats there may be.

use super::RESERVE;
use super::seat::{Class, GivingAway, Seat};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

/// The seats that are not given away.
#[derive(Debug, Default)]
pub(super) struct Seats {
    /// By number; numbers rise.
    taken: HashMap<u64, Arc<Seat>>,
    next: u64,
    ordinary: Idlest,
    reserved: Idlest,
}

/// Seats by when they were last known to become idle, the earliest first. What
/// happens to a seat is not noted here but found when it is its turn: requests
/// come far more often than seats run out.
type Idlest = BinaryHeap<Reverse<(u64, u64)>>;

impl Seats {
    pub(super) fn count(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Seat>> {
        self.taken.values()
    }

    /// What a newcomer may have among so many ordinary seats, or `most` with those in
    /// reserve: with all taken, the seat of the idlest.
    pub(super) fn make_room(&mut self, ordinary: usize, most: usize, now: u64) -> Option<Class> {
        let reserve = self.count() < most;
        if self.count() < ordinary || self.give_away_the_idlest(Class::Ordinary, now) {
            Some(Class::Ordinary)
        } else if reserve || self.give_away_the_idlest(Class::Reserved, now) {
            Some(Class::Reserved)
        } else {
            None
        }
    }

    /// A newcomer takes the seat that is made for a number.
    pub(super) fn take(&mut self, seat: impl FnOnce(u64) -> Seat, now: u64) -> Arc<Seat> {
        let number = self.next;
        self.next += 1;
        let seat = Arc::new(seat(number));
        self.taken.insert(number, Arc::clone(&seat));
        self.idlest(seat.class()).push(Reverse((now, number)));
        seat
    }

    /// Whoever was in it is gone.
    pub(super) fn leave(&mut self, seat: &Seat) {
        self.taken.remove(&seat.number());
        self.forget_who_left(seat.class());
    }

    fn idlest(&mut self, class: Class) -> &mut Idlest {
        match class {
            Class::Ordinary => &mut self.ordinary,
            Class::Reserved => &mut self.reserved,
        }
    }

    /// Takes the seat of the connection of a class that has been idle the longest, if any is idle.
    fn give_away_the_idlest(&mut self, class: Class, now: u64) -> bool {
        let mut perhaps_idle = self.idlest(class).len();
        // Each has its turn twice at most: to say since when it is idle, and to be given away.
        for _ in 0..2 * perhaps_idle {
            if perhaps_idle == 0 {
                break;
            }
            let Some(Reverse((noted, number))) = self.idlest(class).pop() else {
                break;
            };
            let Some(seat) = self.taken.get(&number) else {
                perhaps_idle -= 1;
                continue;
            };
            let noted = match seat.give_away_if_idle_since(noted) {
                GivingAway::Done => {
                    self.taken.remove(&number);
                    return true;
                }
                GivingAway::IdleSince(since) => since,
                GivingAway::Busy => {
                    perhaps_idle -= 1;
                    now
                }
            };
            self.idlest(class).push(Reverse((noted, number)));
        }
        false
    }

    /// Keeps what is noted in proportion to what there is.
    fn forget_who_left(&mut self, class: Class) {
        let mut noted = std::mem::take(self.idlest(class));
        if noted.len() > 2 * self.taken.len() + RESERVE {
            noted.retain(|Reverse((_, number))| self.taken.contains_key(number));
        }
        *self.idlest(class) = noted;
    }

    /// How many ordinary seats are noted.
    #[cfg(test)]
    pub(super) fn noted(&self) -> usize {
        self.ordinary.len()
    }
}
