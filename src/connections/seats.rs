//! All seats that are taken: who is in which, and which of them gives way.
//!
//! Pure: it knows neither the clock nor how many seats there may be, and waits
//! for nothing.

use super::RESERVE;
use super::seat::{Class, GivingAway, Seat};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use tokio::time::Duration;

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

/// What it takes to have been idle for long enough to give way, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idle {
    pub(super) now: u64,
    pub(super) moment: u64,
}

/// Whether there is room for one more.
#[derive(Debug)]
pub(super) enum Room<T> {
    /// There is.
    Made(T),
    /// There will be once the one that is idle for longest has been for its moment.
    In(Duration),
    /// All are at work.
    None,
}

impl Seats {
    pub(super) fn count(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Seat>> {
        self.taken.values()
    }

    /// Room for one more among so many ordinary seats, or `most` with those in reserve;
    /// with all taken, that of the idlest.
    pub(super) fn make_room(&mut self, ordinary: usize, most: usize, idle: Idle) -> Room<Class> {
        if self.count() < ordinary {
            return Room::Made(Class::Ordinary);
        }
        let reserve = self.count() < most;
        match self.give_away_the_idlest(Class::Ordinary, idle) {
            Room::None if reserve => Room::Made(Class::Reserved),
            Room::None => self.give_away_the_idlest(Class::Reserved, idle),
            room => room,
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

    /// Takes the seat of the connection of a class that has been idle the longest, if any has been
    /// for long enough.
    fn give_away_the_idlest(&mut self, class: Class, Idle { now, moment }: Idle) -> Room<Class> {
        // Each has its turn twice at most: to say since when it is idle, and to be given away.
        for _ in 0..2 * self.idlest(class).len() {
            let Some(Reverse((noted, number))) = self.idlest(class).pop() else {
                return Room::None;
            };
            let Some(seat) = self.taken.get(&number) else {
                continue;
            };
            let wait = (noted + moment).saturating_sub(now);
            let giving_away = if wait == 0 {
                seat.give_away_if_idle_since(noted)
            } else {
                seat.idle_since()
            };
            match giving_away {
                GivingAway::Done => {
                    self.taken.remove(&number);
                    return Room::Made(class);
                }
                GivingAway::IdleSince(since) => self.idlest(class).push(Reverse((since, number))),
                GivingAway::Busy => self.idlest(class).push(Reverse((now, number))),
            }
            // All others are idle since then at the earliest.
            if wait > 0 && giving_away == GivingAway::IdleSince(noted) {
                return Room::In(Duration::from_millis(wait));
            }
        }
        Room::None
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
