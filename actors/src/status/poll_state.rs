//! Whether an actor has its thread at this moment, and whether it will not give it back.
//!
//! The actor's supervisor says when a turn begins and ends; whoever finds that
//! nothing goes on on the thread asks whose turn it is. Two atomic operations a
//! turn, and no lock.

use std::sync::atomic::{AtomicU8, Ordering};

/// The turn of one actor.
#[derive(Debug, Default)]
pub(super) struct PollState(AtomicU8);

/// The thread is another's, or nobody's.
const IDLE: u8 = 0;
/// The code of the actor runs.
const POLLING: u8 = 1;
/// It runs, and does not return.
const STUCK: u8 = 2;

/// How a turn was until it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PollEnd {
    Returned,
    WasStuck,
}

impl PollState {
    pub(super) fn begin(&self) {
        self.0.store(POLLING, Ordering::Release);
    }

    pub(super) fn end(&self) -> PollEnd {
        match self.0.swap(IDLE, Ordering::AcqRel) {
            STUCK => PollEnd::WasStuck,
            _ => PollEnd::Returned,
        }
    }

    /// Declares it stuck if it is on: whether that is news.
    pub(super) fn mark_stuck(&self) -> bool {
        let order = (Ordering::AcqRel, Ordering::Acquire);
        let declared = self.0.compare_exchange(POLLING, STUCK, order.0, order.1);
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
        let state = PollState::default();
        assert!(!state.mark_stuck());
        state.begin();
        assert_eq!(state.end(), PollEnd::Returned);
        state.begin();
        assert!(!state.is_stuck());
        assert!(state.mark_stuck() && state.is_stuck());
        assert!(!state.mark_stuck() && state.is_stuck());
        assert_eq!(state.end(), PollEnd::WasStuck);
        assert!(!state.is_stuck() && !state.mark_stuck());
    }
}
