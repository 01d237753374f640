//! Concurrent scrapes of one selector share one pull of its source.
//!
//! A pull lives as long as somebody waits for it, and at most the selector's
//! timeout. Each waiter keeps its own deadline: an impatient one leaves, the
//! others stay. Who joined a pull that then ran out of time, and has time left
//! itself, gets a pull of its own rather than the other's failure. Nothing here
//! knows actix or a kind of source.

use crate::scrape::{Answer, Reason, ScrapeError};
use crate::source::Source;
use crate::status::Status;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared, WeakShared};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

type Pull = LocalBoxFuture<'static, Answer>;

/// The pulls of one source.
pub(crate) struct Flight {
    source: Rc<dyn Source>,
    /// What the source is called in errors.
    label: String,
    /// The longest that one pull may take.
    longest: Duration,
    status: Arc<Status>,
    /// The pull under way, held only by those who wait for it: when the last
    /// of them leaves, it is dropped and whatever it had open with it.
    under_way: RefCell<Option<WeakShared<Pull>>>,
}

impl Flight {
    pub(crate) fn new(
        source: Rc<dyn Source>,
        label: String,
        longest: Duration,
        status: Arc<Status>,
    ) -> Self {
        Self {
            source,
            label,
            longest,
            status,
            under_way: RefCell::default(),
        }
    }

    /// An answer that needs no pull, from a source that has one at hand.
    pub(crate) fn at_hand(&self) -> Option<Answer> {
        self.source.at_hand()
    }

    /// The answer of a pull, or a timeout at `deadline`.
    pub(crate) async fn scrape(&self, deadline: Instant) -> Answer {
        loop {
            let (pull, part) = self.board();
            let answer = timeout_at(deadline, pull).await.unwrap_or_else(|_| {
                let answer = Err(ScrapeError::timeout(&self.label));
                self.status.source_read(&answer);
                answer
            });
            let late = answer
                .as_ref()
                .is_err_and(|error| error.reason == Reason::Timeout);
            if !(late && part == Part::Joined && Instant::now() < deadline) {
                return answer;
            }
        }
    }

    /// The pull under way, or a new one.
    fn board(&self) -> (Shared<Pull>, Part) {
        let mut under_way = self.under_way.borrow_mut();
        let joined = under_way
            .as_ref()
            .and_then(WeakShared::upgrade)
            // One that has ended only waits for its last waiter to be polled.
            .filter(|pull| pull.peek().is_none());
        if let Some(pull) = joined {
            return (pull, Part::Joined);
        }
        let source = Rc::clone(&self.source);
        let status = Arc::clone(&self.status);
        let (longest, label) = (self.longest, self.label.clone());
        let pull: Pull = Box::pin(async move {
            let answer = timeout(longest, source.pull())
                .await
                .unwrap_or_else(|_| Err(ScrapeError::timeout(&label)));
            status.source_read(&answer);
            answer
        });
        let pull = pull.shared();
        *under_way = pull.downgrade();
        (pull, Part::Began)
    }
}

/// Whether a waiter began a pull or joined one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Began,
    Joined,
}

#[cfg(test)]
mod tests;
