//! The status of one selector, readable without messaging its actor.
//!
//! The actor, its supervisor and its callers write it; `/metrics` and `/debug/actors` read it,
//! also while the actor is stuck. Nothing here awaits, except for the first fill of a cache, and
//! a lock is held only for a few assignments: work that depends on the number of files, and log
//! lines, happen outside it.

mod admit;
mod cached;
mod file_events;
mod observe;
mod poll_state;
mod source_log;

use crate::admission::{GlobalLimit, GlobalPermit, InFlight, Permit};
use crate::disclosure::Disclosure;
use crate::lock::lock;
use crate::log_limit::LogLimit;
use crate::metrics::SelectorMetrics;
use crate::report::{CacheReport, Snapshot, State};
use crate::scrape::{ScrapeError, ScrapeResult};
use cached::Cached;
use poll_state::{PollEnd, PollState};
use source_log::SourceLog;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::SetOnce;
use tokio::time::Instant;

/// The status of one selector.
#[derive(Debug)]
pub(crate) struct Status {
    metrics: SelectorMetrics,
    /// What pages and the log show of errors.
    pub(crate) disclosure: Disclosure,
    in_flight: Arc<InFlight>,
    global_limit: GlobalLimit,
    /// Whether the actor is being polled, and whether the poll is stuck.
    poll_state: PollState,
    /// Set when the cache of the source was filled for the first time.
    cache_filled: SetOnce<()>,
    /// The result that scrapes above a limit get.
    cached: Cached,
    /// Limits the log lines about single files.
    file_changes: LogLimit,
    inner: Mutex<Inner>,
}

/// A scrape that is not refused.
#[derive(Debug)]
pub(crate) enum Admission {
    /// A permit for the message to the actor, and one for the caller.
    Admitted(Permit, GlobalPermit),
    /// A limit is reached, and this result needs no actor.
    Cached(ScrapeResult),
}

/// The values that change together, behind one lock.
#[derive(Debug)]
struct Inner {
    state: State,
    /// Set in state `Backoff`.
    backoff_until: Option<Instant>,
    /// Set while the actor is stuck.
    stuck_since: Option<Instant>,
    source: SourceLog,
}

impl Status {
    pub(crate) fn new(
        metrics: SelectorMetrics,
        max_in_flight: usize,
        global_limit: GlobalLimit,
    ) -> Self {
        metrics.entered(State::Starting);
        Self {
            metrics,
            disclosure: Disclosure::default(),
            in_flight: Arc::new(InFlight::new(max_in_flight)),
            global_limit,
            poll_state: PollState::default(),
            cache_filled: SetOnce::new(),
            cached: Cached::default(),
            file_changes: LogLimit::default(),
            inner: Mutex::new(Inner {
                state: State::Starting,
                backoff_until: None,
                stuck_since: None,
                source: SourceLog::default(),
            }),
        }
    }

    /// The actor runs.
    pub(crate) fn running(&self) {
        self.enter(State::Running, None);
    }

    /// The actor failed and restarts at `until`.
    pub(crate) fn backing_off(&self, until: Instant) {
        self.metrics.restarted();
        self.enter(State::Backoff, Some(until));
        // The new actor starts without a cache.
        self.cached.clear();
    }

    /// The actor has ended.
    pub(crate) fn stopped(&self) {
        self.enter(State::Stopped, None);
    }

    /// The actor has a result that it serves from its cache for `valid_for`, unless it publishes
    /// another one before.
    pub(crate) fn publish_cached(&self, result: ScrapeResult, valid_for: Duration) {
        self.cached.publish(result, valid_for);
    }

    fn enter(&self, state: State, backoff_until: Option<Instant>) {
        self.metrics.entered(state);
        let mut inner = lock(&self.inner);
        inner.state = state;
        inner.backoff_until = backoff_until;
    }

    /// A poll of the actor begins.
    pub(crate) fn poll_started(&self) {
        self.poll_state.start();
    }

    /// The poll has returned.
    pub(crate) fn poll_ended(&self) {
        if self.poll_state.end() == PollEnd::WasStuck {
            let mut inner = lock(&self.inner);
            inner.stuck_since = None;
            self.metrics.entered(inner.state);
            drop(inner);
            tracing::warn!("stuck actor recovered");
        }
    }

    /// Whether this actor blocks its thread. To be called after its thread was abandoned: an
    /// actor that is being polled then counts as stuck, and its source as failed, until the
    /// poll returns.
    pub(crate) fn is_stuck(&self) -> bool {
        // Locked first, so that `poll_ended` reports the recovery after this reports `Stuck`.
        let mut inner = lock(&self.inner);
        if self.poll_state.mark_stuck() {
            inner.stuck_since = Some(Instant::now());
            self.metrics.entered(State::Stuck);
            self.metrics.source_failed();
            // Not logged as a failure of the source: the line below is.
            let _ = inner.source.failed(&ScrapeError::stuck());
            drop(inner);
            let selector = self.metrics.selector();
            tracing::error!(selector, "actor is stuck in code that does not return");
        }
        self.poll_state.is_stuck()
    }

    /// Releases the metrics of a selector that was removed, also if its actor never ends.
    pub(crate) fn release_metrics(&self) {
        self.metrics.release();
    }

    /// Whether the last read of the source succeeded.
    pub(crate) fn is_up(&self) -> bool {
        lock(&self.inner).source.is_up()
    }

    pub(crate) fn state(&self) -> State {
        self.state_in(&lock(&self.inner))
    }

    fn state_in(&self, inner: &Inner) -> State {
        match self.poll_state.is_stuck() {
            true => State::Stuck,
            false => inner.state,
        }
    }

    /// The status at this moment. Errors are as pages may show them.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.undisclosed_snapshot();
        // Outside the lock, since there may be many files.
        let last_error = snapshot.last_error.take();
        snapshot.last_error = last_error.map(|failure| self.disclosure.failure(failure));
        if let Some(cache) = &mut snapshot.cache
            && let Some(report) = self.disclosure.report(&cache.report)
        {
            cache.report = Arc::new(report);
        }
        snapshot
    }

    /// The latest report about the files, in full.
    pub(crate) fn cache_report(&self) -> Option<Arc<CacheReport>> {
        lock(&self.inner).source.cache_report()
    }

    fn undisclosed_snapshot(&self) -> Snapshot {
        let inner = lock(&self.inner);
        let now = Instant::now();
        Snapshot {
            state: self.state_in(&inner),
            restarts: self.metrics.restarts(),
            backoff_for: inner.backoff_until.map(|until| until - now),
            in_flight: self.in_flight.count(),
            // An actor can be stuck without any scrape, for example in its background task.
            oldest_in_flight: [self.in_flight.oldest(), inner.stuck_since]
                .into_iter()
                .flatten()
                .min()
                .map(|since| now - since),
            scrapes: self.metrics.scrapes(),
            failures: inner.source.failures(),
            last_success: inner.source.last_success(),
            last_error: inner.source.last_error(),
            body_bytes: inner.source.body_bytes(),
            cache: inner.source.cache(),
        }
    }
}
