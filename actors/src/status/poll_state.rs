//! Whether an actor is being polled at this moment, and whether the poll is stuck.
//!
//! The supervisor marks the start and the end of each poll. When a thread is unresponsive, the
//! registry marks the actor that is being polled on it as stuck. Two atomic operations a poll,
//! and no lock.

use std::sync::atomic::{AtomicU8, Ordering};

/// The poll state of one actor.
#[derive(Debug, Default)]
pub(super) struct PollState(AtomicU8);

/// The actor is not being polled.
const IDLE: u8 = 0;
/// The actor is being polled.
const POLLING: u8 = 1;
/// The actor is being polled, and was marked as stuck.
const STUCK: u8 = 2;

/// How a poll ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PollEnd {
    Returned,
    WasStuck,
}

impl PollState {
    pub(super) fn start(&self) {
        self.0.store(POLLING, Ordering::Release);
    }

    pub(super) fn end(&self) -> PollEnd {
        match self.0.swap(IDLE, Ordering::AcqRel) {
            STUCK => PollEnd::WasStuck,
            _ => PollEnd::Returned,
        }
    }

    /// Marks a poll in progress as stuck. Returns whether it was not marked before.
    pub(super) fn mark_stuck(&self) -> bool {
        let order = (Ordering::AcqRel, Ordering::Acquire);
        let marked = self.0.compare_exchange(POLLING, STUCK, order.0, order.1);
        marked.is_ok()
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.0.load(Ordering::Acquire) == STUCK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_poll_in_progress_can_be_stuck_and_only_until_it_returns() {
        let state = PollState::default();
        assert!(!state.mark_stuck());
        state.start();
        assert_eq!(state.end(), PollEnd::Returned);
        state.start();
        assert!(!state.is_stuck());
        assert!(state.mark_stuck() && state.is_stuck());
        assert!(!state.mark_stuck() && state.is_stuck());
        assert_eq!(state.end(), PollEnd::WasStuck);
        assert!(!state.is_stuck() && !state.mark_stuck());
    }
}
