//! Concurrent scrapes of one selector share one pull of its source.
//!
//! A pull runs while at least one scrape waits for it, and at most for the selector's timeout.
//! Each scrape has its own deadline: one with an early deadline leaves, the others stay. A
//! scrape that joined a pull which then times out, and has time left, starts a pull of its own.
//! This module does not depend on actix or on a kind of source.

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
    /// The name of the source in errors.
    label: String,
    limits: Limits,
    status: Arc<Status>,
    faults: Faults,
    /// The current pull. Only the scrapes that wait for it own it: when the last of them
    /// leaves, the pull is dropped with everything it has open.
    current: RefCell<Option<WeakShared<Pull>>>,
    /// The last valid body, if `min_interval` allows to serve it again.
    recent: Rc<RefCell<Option<Exposition>>>,
}

impl SingleFlight {
    pub(crate) fn new(
        source: Rc<dyn Source>,
        label: String,
        limits: Limits,
        context: &SourceContext,
    ) -> Self {
        Self {
            source,
            label,
            limits,
            status: Arc::clone(&context.status),
            faults: context.faults.clone(),
            current: RefCell::default(),
            recent: Rc::default(),
        }
    }

    /// A result that needs no pull: a body younger than `min_interval`, or the source's cache.
    pub(crate) fn cached(&self) -> Option<ScrapeResult> {
        let recent = self.recent.borrow();
        let is_young = |recent: &&Exposition| {
            let read_at = recent.cached_at;
            read_at.is_some_and(|read_at| read_at.elapsed() < self.limits.min_interval)
        };
        match recent.as_ref().filter(is_young) {
            Some(recent) => Some(Ok(recent.clone())),
            None => self.source.cached(),
        }
    }

    /// The result of a pull, or a timeout at `deadline`.
    pub(crate) async fn scrape(&self, deadline: Instant) -> ScrapeResult {
        loop {
            let (pull, role) = self.join_or_start();
            let result = timeout_at(deadline, pull)
                .await
                .unwrap_or_else(|_| self.deadline_passed());
            let timed_out = result
                .as_ref()
                .is_err_and(|error| error.reason == Reason::Timeout);
            if !(timed_out && role == Role::Joined && Instant::now() < deadline) {
                return result;
            }
        }
    }

    /// The deadline of one scrape has passed. This is a failure of the source only if no other
    /// scrape still waits for the pull.
    fn deadline_passed(&self) -> ScrapeResult {
        let error = ScrapeError::timeout(&self.label, &self.source.waiting_for());
        let result = Err(error);
        let current = self.current.borrow();
        if current.as_ref().and_then(WeakShared::upgrade).is_none() {
            self.status.source_read(&result);
        }
        result
    }

    /// The current pull, or a new one.
    fn join_or_start(&self) -> (Shared<Pull>, Role) {
        let mut current = self.current.borrow_mut();
        let joined = current
            .as_ref()
            .and_then(WeakShared::upgrade)
            // A pull that has ended stays until its scrapes are polled. It is not current.
            .filter(|pull| pull.peek().is_none());
        if let Some(pull) = joined {
            return (pull, Role::Joined);
        }
        let pull = self.pull().shared();
        *current = pull.downgrade();
        (pull, Role::Started)
    }

    /// A pull that is limited in time, and records its result.
    fn pull(&self) -> Pull {
        let source = Rc::clone(&self.source);
        let status = Arc::clone(&self.status);
        let (limits, label) = (self.limits, self.label.clone());
        let recent = Rc::clone(&self.recent);
        let faults = self.faults.clone();
        Box::pin(async move {
            faults.inject(FaultPoint::Pull);
            let result = timeout(limits.timeout, Rc::clone(&source).pull())
                .await
                .unwrap_or_else(|_| Err(ScrapeError::timeout(&label, &source.waiting_for())));
            status.source_read(&result);
            // A body from the source's own cache is not cached a second time.
            if let Ok(exposition) = &result
                && exposition.cached_at.is_none()
                && !limits.min_interval.is_zero()
            {
                let exposition = Exposition {
                    cached_at: Some(Instant::now()),
                    ..exposition.clone()
                };
                status.publish_cached(Ok(exposition.clone()), limits.min_interval);
                *recent.borrow_mut() = Some(exposition);
            }
            result
        })
    }
}

/// Whether a scrape started its pull or joined it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Started,
    Joined,
}

#[cfg(test)]
mod tests;
