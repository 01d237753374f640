//! The way to one selector's actor.
//!
//! Refuses at once what cannot be answered, sends one message and returns its
//! reply. The actor lives for as long as anybody holds a handle to it, so a scrape
//! that has begun is answered whatever becomes of the selector meanwhile.

use super::thread::ThreadSlot;
use super::threads::ActorThreads;
use crate::faults::Faults;
use crate::metrics::Metrics;
use crate::report::{Snapshot, State};
use crate::scrape::{Caller, Names, Scrape, ScrapeError, ScrapeResult};
use crate::selector::{SelectorActor, Shutdown};
use crate::source::{self, SourceContext};
use crate::status::Status;
use crate::supervise::{ShutdownFlag, Supervision};
use actix::dev::channel;
use actix::{Addr, Context, MailboxError};
use local_exporter_config as config;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How much later than its deadline an answer may come before the actor counts
/// as stuck: it keeps deadlines itself, this only guards against it.
const GRACE: Duration = Duration::from_millis(200);
/// Room in a mailbox beside the scrapes, which their permits bound.
const MAILBOX: usize = 16;

/// The way to one selector's actor.
#[derive(Debug)]
pub struct SelectorHandle {
    spec: Arc<config::Selector>,
    source: String,
    pub(super) status: Arc<Status>,
    actor: Arc<ActorGuard>,
    #[cfg(any(test, feature = "faults"))]
    pub(super) faults: Faults,
}

/// What keeps an actor going: it is stopped when the last handle to it is gone.
#[derive(Debug)]
struct ActorGuard {
    status: Arc<Status>,
    address: Addr<SelectorActor>,
    shutdown: ShutdownFlag,
    slot: ThreadSlot,
}

/// By whose code a thread is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unresponsive {
    /// By that of the actor behind this handle.
    OwnCode,
    /// By that of another actor on its thread.
    OtherActor,
}

impl SelectorHandle {
    pub(super) fn open(
        selector: config::Selector,
        slot: ThreadSlot,
        threads: &ActorThreads,
        metrics: &Metrics,
    ) -> Self {
        let spec = Arc::new(selector);
        let selector_metrics = metrics.selector(&spec.name);
        let (max_in_flight, global_limit) =
            (spec.limits.max_in_flight, threads.global_limit.clone());
        let status = Arc::new(Status::new(selector_metrics, max_in_flight, global_limit));
        let shutdown = ShutdownFlag::default();
        let (address, mailbox) = channel::channel(MAILBOX);

        let surroundings = SourceContext {
            watches: threads.watches.clone(),
            status: Arc::clone(&status),
            faults: Faults::default(),
        };
        #[cfg(any(test, feature = "faults"))]
        let faults = surroundings.faults.clone();
        let (actor_spec, actor_status) = (Arc::clone(&spec), Arc::clone(&status));
        let (actor_shutdown, backoff) = (shutdown.clone(), threads.backoff.clone());
        // The address is valid from here on, whatever happens to the actor.
        slot.arbiter.spawn_fn(move || {
            let span = tracing::error_span!("actor", selector = actor_spec.name);
            let actor = SelectorActor::new(actor_spec, surroundings);
            let context = Context::with_receiver(mailbox);
            actix_rt::spawn(Supervision::new(
                context,
                actor,
                actor_status,
                actor_shutdown,
                backoff,
                span,
            ));
        });
        Self {
            source: source::kind(&spec.source).label(),
            spec,
            actor: Arc::new(ActorGuard {
                status: Arc::clone(&status),
                address: Addr::new(address),
                shutdown,
                slot,
            }),
            status,
            #[cfg(any(test, feature = "faults"))]
            faults,
        }
    }

    /// Another handle to the same actor, for settings that are none of its business.
    pub(super) fn on_terms(&self, selector: config::Selector) -> Self {
        Self {
            spec: Arc::new(selector),
            source: self.source.clone(),
            status: Arc::clone(&self.status),
            actor: Arc::clone(&self.actor),
            #[cfg(any(test, feature = "faults"))]
            faults: self.faults.clone(),
        }
    }

    /// Why it cannot go on where it lives, if it cannot.
    pub(super) fn unresponsive(&self) -> Option<Unresponsive> {
        if !self.actor.slot.is_abandoned() {
            return None;
        }
        match self.status.is_stuck() {
            true => Some(Unresponsive::OwnCode),
            false => Some(Unresponsive::OtherActor),
        }
    }

    /// Resolves when its actor could answer as well as it ever will: of a source with
    /// a cache, once that was filled for the first time.
    pub async fn prepared(&self) {
        if source::kind(&self.spec.source).has_cache() {
            self.status.cache_filled().await;
        }
    }

    /// One scrape, answered within `within` or, if that is less, the selector's
    /// timeout, for a scraper that reads `names`.
    ///
    /// # Errors
    /// Why there is no whole answer; see [`crate::Reason`].
    pub async fn scrape(&self, within: Duration, names: Names) -> ScrapeResult {
        let began = Instant::now();
        let answer = self.ask(began, within.min(self.spec.limits.timeout)).await;
        let answer = answer.and_then(|exposition| exposition.for_names(names));
        self.status.scraped(began.elapsed(), &answer);
        answer
    }

    async fn ask(&self, began: Instant, within: Duration) -> ScrapeResult {
        let (permit, _global_permit) = self.status.admit()?;
        let (caller, _guard) = Caller::connected();
        let scrape = Scrape {
            deadline: began + within,
            permit,
            caller,
        };
        let address = &self.actor.address;
        match address.send(scrape).timeout(within + GRACE).await {
            Ok(answer) => answer,
            Err(MailboxError::Closed) => Err(self.status.crashed()),
            Err(MailboxError::Timeout) => {
                let message = format!("the actor of {} is stuck", self.source);
                Err(ScrapeError::new(crate::Reason::Timeout, message))
            }
        }
    }

    /// Has the actor fail, by an order such as `panic handler`.
    ///
    /// # Errors
    /// What is wrong with the order.
    #[cfg(feature = "faults")]
    pub fn inject_fault(&self, words: &str) -> Result<(), String> {
        self.faults.parse(words)
    }

    /// The settings.
    #[must_use]
    pub fn spec(&self) -> &config::Selector {
        &self.spec
    }

    /// What the source is called.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Brings up to date those of its metrics that change by the passing of time alone.
    pub fn age_metrics(&self) {
        self.status.age_metrics();
    }

    /// Whether its source answered when it was last read.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.status.is_up()
    }

    /// What its actor is doing now.
    #[must_use]
    pub fn state(&self) -> State {
        self.status.state()
    }

    /// What is known of it now, without asking the actor.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.status.snapshot()
    }
}

impl Drop for ActorGuard {
    fn drop(&mut self) {
        self.shutdown.request();
        self.address.do_send(Shutdown);
        // Not when the actor has ended: if it is stuck, or its thread is held, it never does.
        self.status.release_metrics();
    }
}
