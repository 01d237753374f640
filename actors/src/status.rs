//! What is known of one selector, readable without asking its actor.
//!
//! The actor, its supervisor and its callers write here; `/metrics` and
//! `/debug/actors` read, also while the actor is stuck. Nothing here awaits,
//! and no lock is held for longer than a few assignments.

mod poll_state;
mod source_log;

use crate::admission::{GlobalLimit, GlobalPermit, InFlight, Permit};
use crate::metrics::SelectorMetrics;
use crate::reason::Reason;
use crate::report::{CacheReport, Snapshot, State};
use crate::scrape::{ScrapeError, ScrapeResult};
use poll_state::{PollEnd, PollState};
use source_log::{FileNews, SourceLog};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::SetOnce;
use tokio::time::Instant;

/// The status of one selector.
#[derive(Debug)]
pub(crate) struct Status {
    metrics: SelectorMetrics,
    in_flight: Arc<InFlight>,
    global_limit: GlobalLimit,
    /// Whether it holds its thread.
    poll_state: PollState,
    /// Set when a cache was filled for the first time.
    cache_filled: SetOnce<()>,
    changing: Mutex<Changing>,
}

fn overloaded(message: String) -> ScrapeError {
    let mut error = ScrapeError::new(Reason::Overloaded, message);
    error.retry_after = Some(Duration::from_secs(1));
    error
}

fn stuck() -> ScrapeError {
    let message = "its actor is stuck in code that does not return";
    ScrapeError::new(Reason::Timeout, message)
}

/// What changes together, behind one lock.
#[derive(Debug)]
struct Changing {
    state: State,
    /// Set while resting.
    backoff_until: Option<Instant>,
    /// Set when it was found to be stuck.
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
            in_flight: Arc::new(InFlight::new(max_in_flight)),
            global_limit,
            poll_state: PollState::default(),
            cache_filled: SetOnce::new(),
            changing: Mutex::new(Changing {
                state: State::Starting,
                backoff_until: None,
                stuck_since: None,
                source: SourceLog::default(),
            }),
        }
    }

    /// A failed lock only means that a panic passed by; the values are whole all the same.
    fn changing(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place among the scrapes in flight, for the message, and a share of all of
    /// them, for the caller; or the error that says why there is none.
    pub(crate) fn admit(&self) -> Result<(Permit, GlobalPermit), ScrapeError> {
        if self.poll_state.is_stuck() {
            return Err(stuck());
        }
        let backoff_until = self.changing().backoff_until;
        // Past its end the actor should be at work: if it is not, because its thread
        // is held up, scrapes that wait in vain show it, and no refusal hides it.
        if let Some(until) = backoff_until.filter(|until| *until > Instant::now()) {
            return Err(self.backoff(until));
        }
        let global_permit = self.global_limit.admit().ok_or_else(|| {
            let limit = self.global_limit.limit();
            overloaded(format!(
                "{limit} scrapes (service.max_in_flight) are under way already"
            ))
        })?;
        let permit = self.in_flight.admit().ok_or_else(|| {
            let limit = self.in_flight.limit();
            overloaded(format!(
                "{limit} scrapes (max_in_flight) wait for this selector already"
            ))
        })?;
        Ok((permit, global_permit))
    }

    fn backoff(&self, until: Instant) -> ScrapeError {
        let left = until.saturating_duration_since(Instant::now());
        let message = format!("its actor failed and starts again in {left:.1?}");
        let mut error = ScrapeError::new(Reason::Backoff, message);
        error.retry_after = Some(left);
        error
    }

    /// The error of a scrape whose actor failed while it worked on it.
    pub(crate) fn crashed(&self) -> ScrapeError {
        let backoff_until = self.changing().backoff_until;
        let mut error =
            ScrapeError::new(Reason::Crashed, "its actor failed while it was answering");
        error.retry_after = backoff_until.map(|until| until - Instant::now());
        error
    }

    /// A scrape ended, however it did.
    pub(crate) fn scraped(&self, took: Duration, answer: &ScrapeResult) {
        let failure = answer.as_ref().err();
        self.metrics
            .scraped(took.as_secs_f64(), failure.map(|error| error.reason));
        if let Some(error) = failure {
            self.changing().source.scrape_failed(error);
        }
    }

    /// The source was read, with success or not. A change is logged once, in the
    /// span of the actor, which names the selector.
    pub(crate) fn source_read(&self, answer: &ScrapeResult) {
        match answer {
            Ok(exposition) => {
                let now = SystemTime::now();
                let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH);
                let seconds = since_epoch.unwrap_or_default().as_secs_f64();
                let bytes = exposition.body.len();
                let newest = exposition.summary.newest_timestamp_ms;
                self.metrics.source_answered(bytes, seconds, newest);
                let failures = self.changing().source.succeeded(bytes, now);
                if let Some(failures) = failures {
                    tracing::info!(failures, "source answers again");
                }
            }
            Err(error) => {
                self.metrics.source_failed();
                if self.changing().source.failed(error) {
                    let reason = error.reason.as_str();
                    let cause = error.message.as_str();
                    tracing::warn!(reason, cause, "source failed");
                }
            }
        }
    }

    /// The cache of a file source was brought up to date.
    pub(crate) fn cache_checked(&self, report: CacheReport) {
        self.metrics.files_checked(&report);
        let news = self.changing().source.cache_checked(report);
        for file in news {
            match file {
                FileNews::Bad { kept: true, error } => {
                    let cause = error.message;
                    tracing::warn!(cause, "bad file: its last good content is kept for a while");
                }
                FileNews::Bad { kept: false, error } => {
                    let cause = error.message;
                    tracing::warn!(cause, "bad file: left out, or some of it");
                }
                FileNews::Good(path) => tracing::info!(file = %path.display(), "good again"),
            }
        }
        self.age_metrics();
        // Every time but the first it was set already.
        let _ = self.cache_filled.set(());
    }

    /// Resolves once the cache of the source was filled, with files or with why there are none.
    pub(crate) async fn cache_filled(&self) {
        self.cache_filled.wait().await;
    }

    /// Brings up to date what changes by the passing of time alone.
    pub(crate) fn age_metrics(&self) {
        let oldest = self.changing().source.oldest_file();
        if let Some(oldest) = oldest {
            // A file from the future has no age.
            let age = SystemTime::now().duration_since(oldest).unwrap_or_default();
            self.metrics.file_aged(age.as_secs_f64());
        }
    }

    pub(crate) fn running(&self) {
        self.enter(State::Running, None);
    }

    /// The actor failed; it starts again at `until`.
    pub(crate) fn backing_off(&self, until: Instant) {
        self.metrics.restarted();
        self.enter(State::Backoff, Some(until));
    }

    pub(crate) fn stopped(&self) {
        self.enter(State::Stopped, None);
    }

    fn enter(&self, state: State, backoff_until: Option<Instant>) {
        self.metrics.entered(state);
        let mut changing = self.changing();
        changing.state = state;
        changing.backoff_until = backoff_until;
    }

    /// The actor gets its thread.
    pub(crate) fn poll_started(&self) {
        self.poll_state.begin();
    }

    /// It gives its thread back.
    pub(crate) fn poll_ended(&self) {
        if self.poll_state.end() == PollEnd::WasStuck {
            let mut changing = self.changing();
            changing.stuck_since = None;
            self.metrics.entered(changing.state);
            tracing::warn!("the code that the actor was stuck in has returned");
        }
    }

    /// Asked of an actor whose thread was given up: whether it is its own code that
    /// does not return. If so, it is stuck until then, and so is its source.
    pub(crate) fn is_stuck(&self) -> bool {
        // Held, so that what the end of the turn says is said last.
        let mut changing = self.changing();
        if self.poll_state.mark_stuck() {
            changing.stuck_since = Some(Instant::now());
            self.metrics.entered(State::Stuck);
            self.metrics.source_failed();
            changing.source.failed(&stuck());
            tracing::error!(
                selector = self.metrics.selector(),
                "the actor is stuck in code that does not return"
            );
        }
        self.poll_state.is_stuck()
    }

    /// Its selector is gone, whatever becomes of the actor.
    pub(crate) fn give_up_metrics(&self) {
        self.metrics.give_up();
    }

    /// Whether the source answered when it was last read.
    pub(crate) fn answers(&self) -> bool {
        self.changing().source.answers()
    }

    pub(crate) fn state(&self) -> State {
        self.state_in(&self.changing())
    }

    fn state_in(&self, changing: &Changing) -> State {
        match self.poll_state.is_stuck() {
            true => State::Stuck,
            false => changing.state,
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let changing = self.changing();
        let now = Instant::now();
        Snapshot {
            state: self.state_in(&changing),
            restarts: self.metrics.restarts(),
            backoff_for: changing.backoff_until.map(|until| until - now),
            in_flight: self.in_flight.count(),
            // What it is stuck in may be nobody's scrape.
            oldest_in_flight: [self.in_flight.oldest(), changing.stuck_since]
                .into_iter()
                .flatten()
                .min()
                .map(|since| now - since),
            scrapes: self.metrics.scrapes(),
            failures: changing.source.failures(),
            last_success: changing.source.last_success(),
            last_error: changing.source.last_error(),
            body_bytes: changing.source.body_bytes(),
            cache: changing.source.cache(),
        }
    }
}
