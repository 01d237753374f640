//! Whether an actor has its thread at this moment, and whether it will not give it back.
//!
//! The actor's supervisor says when a turn begins and ends; whoever finds that
//! nothing goes on on the thread asks whose turn it is. Two atomic operations a
//! turn, and no lock.

use std::sync::atomic::{AtomicU8, Ordering};

/// The turn of one actor.
#[derive(Debug, Default)]
pub(super) struct Turn(AtomicU8);

/// The thread is another's, or nobody's.
const OVER: u8 = 0;
/// The code of the actor runs.
const ON: u8 = 1;
/// It runs, and does not return.
const STUCK: u8 = 2;

/// How a turn was until it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    InTime,
    AfterAll,
}

impl Turn {
    pub(super) fn begin(&self) {
        self.0.store(ON, Ordering::Release);
    }

    pub(super) fn end(&self) -> Ended {
        match self.0.swap(OVER, Ordering::AcqRel) {
            STUCK => Ended::AfterAll,
            _ => Ended::InTime,
        }
    }

    /// Declares it stuck if it is on: whether that is news.
    pub(super) fn declare_stuck(&self) -> bool {
        let order = (Ordering::AcqRel, Ordering::Acquire);
        let declared = self.0.compare_exchange(ON, STUCK, order.0, order.1);
        declared.is_ok()
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.0.load(Ordering::Acquire) == STUCK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_turn_that_is_on_can_be_stuck_and_only_until_it_ends() {
        let turn = Turn::default();
        assert!(!turn.declare_stuck());
        turn.begin();
        assert_eq!(turn.end(), Ended::InTime);
        turn.begin();
        assert!(!turn.is_stuck());
        assert!(turn.declare_stuck() && turn.is_stuck());
        assert!(!turn.declare_stuck() && turn.is_stuck());
        assert_eq!(turn.end(), Ended::AfterAll);
        assert!(!turn.is_stuck() && !turn.declare_stuck());
    }
}
