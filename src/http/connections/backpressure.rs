//! Whether a connection accepts bytes, for the bodies of its responses.
//!
//! h2 accepts up to 400 KiB of each response, whether the client reads or not. So bodies over
//! HTTP/2 hand out slices only while the socket accepts bytes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Whether a connection accepts bytes, and the bodies that wait for it.
#[derive(Debug, Default)]
pub(super) struct Backpressure {
    is_blocked: AtomicBool,
    /// As many as there are responses in progress.
    waiting: Mutex<Vec<Waker>>,
}

impl Backpressure {
    /// Sets whether the connection accepts no bytes.
    pub(super) fn set_blocked(&self, blocked: bool) {
        if self.is_blocked.swap(blocked, Ordering::AcqRel) && !blocked {
            let waiting = std::mem::take(&mut *self.waiting());
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// Ready while the connection accepts bytes.
    pub(super) fn poll_accepts(&self, cx: &Context<'_>) -> Poll<()> {
        if !self.is_blocked.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting();
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        drop(waiting);
        if self.is_blocked.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // It changed meanwhile, and may have missed the waker.
        Poll::Ready(())
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
