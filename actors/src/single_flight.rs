//! Concurrent scrapes of one selector share one pull of its source.
//!
//! A pull lives as long as somebody waits for it, and at most the selector's
//! timeout. Each waiter keeps its own deadline: an impatient one leaves, the
//! others stay. Who joined a pull that then ran out of time, and has time left
//! itself, gets a pull of its own rather than the other's failure. Nothing here
//! knows actix or a kind of source.

use crate::faults::{FaultPoint, Faults};
use crate::reason::Reason;
use crate::scrape::{Exposition, ScrapeError, ScrapeResult};
use crate::source::{Source, SourceContext};
use crate::status::Status;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared, WeakShared};
use local_exporter_config::Limits;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::{Instant, timeout, timeout_at};

type Pull = LocalBoxFuture<'static, ScrapeResult>;

/// The pulls of one source.
pub(crate) struct SingleFlight {
    source: Rc<dyn Source>,
    /// What the source is called in errors.
    label: String,
    limits: Limits,
    status: Arc<Status>,
    faults: Faults,
    /// The pull under way, held only by those who wait for it: when the last
    /// of them leaves, it is dropped and whatever it had open with it.
    current: RefCell<Option<WeakShared<Pull>>>,
    /// The last good answer, where `min_interval` allows to give it again.
    recent: Rc<RefCell<Option<Exposition>>>,
}

impl SingleFlight {
    pub(crate) fn new(
        source: Rc<dyn Source>,
        label: String,
        limits: Limits,
        surroundings: &SourceContext,
    ) -> Self {
        Self {
            source,
            label,
            limits,
            status: Arc::clone(&surroundings.status),
            faults: surroundings.faults.clone(),
            current: RefCell::default(),
            recent: Rc::default(),
        }
    }

    /// An answer that needs no pull, from a source that has one at hand.
    pub(crate) fn cached(&self) -> Option<ScrapeResult> {
        let recent = self.recent.borrow();
        let young = |recent: &&Exposition| {
            let given_at = recent.cached_at;
            given_at.is_some_and(|given_at| given_at.elapsed() < self.limits.min_interval)
        };
        match recent.as_ref().filter(young) {
            Some(recent) => Some(Ok(recent.clone())),
            None => self.source.cached(),
        }
    }

    /// The answer of a pull, or a timeout at `deadline`.
    pub(crate) async fn scrape(&self, deadline: Instant) -> ScrapeResult {
        loop {
            let (pull, role) = self.join_or_start();
            let answer = timeout_at(deadline, pull)
                .await
                .unwrap_or_else(|_| self.waiter_timed_out());
            let late = answer
                .as_ref()
                .is_err_and(|error| error.reason == Reason::Timeout);
            if !(late && role == Role::Joined && Instant::now() < deadline) {
                return answer;
            }
        }
    }

    /// A waiter's own deadline has come. It says nothing of the source while
    /// others still wait for the same pull.
    fn waiter_timed_out(&self) -> ScrapeResult {
        let answer = Err(ScrapeError::timeout(
            &self.label,
            &self.source.waiting_for(),
        ));
        let current = self.current.borrow();
        if current.as_ref().and_then(WeakShared::upgrade).is_none() {
            self.status.source_read(&answer);
        }
        answer
    }

    /// The pull under way, or a new one.
    fn join_or_start(&self) -> (Shared<Pull>, Role) {
        let mut current = self.current.borrow_mut();
        let joined = current
            .as_ref()
            .and_then(WeakShared::upgrade)
            // One that has ended only waits for its last waiter to be polled.
            .filter(|pull| pull.peek().is_none());
        if let Some(pull) = joined {
            return (pull, Role::Joined);
        }
        let source = Rc::clone(&self.source);
        let status = Arc::clone(&self.status);
        let (limits, label) = (self.limits, self.label.clone());
        let recent = Rc::clone(&self.recent);
        let faults = self.faults.clone();
        let pull: Pull = Box::pin(async move {
            faults.inject(FaultPoint::Pull);
            let answer = timeout(limits.timeout, Rc::clone(&source).pull())
                .await
                .unwrap_or_else(|_| Err(ScrapeError::timeout(&label, &source.waiting_for())));
            status.source_read(&answer);
            // What came from a cache of the source's own is not kept a second time.
            if let Ok(exposition) = &answer
                && exposition.cached_at.is_none()
                && !limits.min_interval.is_zero()
            {
                *recent.borrow_mut() = Some(Exposition {
                    cached_at: Some(Instant::now()),
                    ..exposition.clone()
                });
            }
            answer
        });
        let pull = pull.shared();
        *current = pull.downgrade();
        (pull, Role::Started)
    }
}

/// Whether a waiter began a pull or joined one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Started,
    Joined,
}

#[cfg(test)]
mod tests;
