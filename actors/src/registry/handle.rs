//! The handle to one selector's actor.
//!
//! Refuses a scrape that cannot be served, otherwise sends one message and returns the result.
//! The actor runs as long as a handle to it exists, so a scrape in progress completes even if
//! the selector is removed or replaced meanwhile.

use super::thread::ThreadSlot;
use super::threads::ActorThreads;
use crate::blocking::BlockingPool;
use crate::faults::Faults;
use crate::metrics::Metrics;
use crate::reason::Reason;
use crate::report::{CacheReport, Snapshot, State};
use crate::scrape::{Accepted, Caller, Scrape, ScrapeError, ScrapeResult};
use crate::selector::{SelectorActor, Shutdown};
use crate::source::{self, SourceContext};
use crate::status::{Admission, Status};
use crate::supervise::{ShutdownFlag, Supervisor};
use actix::dev::channel;
use actix::{Addr, Context, MailboxError};
use local_exporter_config as config;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long after its deadline a result is awaited. The actor observes deadlines itself; this
/// only guards against a stuck actor.
const GRACE: Duration = Duration::from_millis(200);
/// Capacity of a mailbox. Scrapes are limited by their permits instead.
const MAILBOX: usize = 16;

/// A handle to one selector's actor.
#[derive(Debug)]
pub struct SelectorHandle {
    spec: Arc<config::Selector>,
    source: String,
    pub(super) status: Arc<Status>,
    actor: Arc<ActorGuard>,
    blocking: BlockingPool,
    #[cfg(any(test, feature = "faults"))]
    pub(super) faults: Faults,
}

/// A scrape that the metrics do not contain yet. If it is dropped, because the client has
/// disconnected, it is recorded as a failure.
struct UnrecordedScrape<'h> {
    status: Option<&'h Status>,
    began: Instant,
}

/// Shuts the actor down when the last handle to it is dropped.
#[derive(Debug)]
struct ActorGuard {
    status: Arc<Status>,
    address: Addr<SelectorActor>,
    shutdown: ShutdownFlag,
    slot: ThreadSlot,
}

/// Why the thread of an actor is unresponsive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unresponsive {
    /// Code of this actor blocks it.
    OwnCode,
    /// Code of another actor blocks it.
    OtherActor,
}

impl<'h> UnrecordedScrape<'h> {
    fn begin(status: &'h Status) -> Self {
        Self {
            status: Some(status),
            began: Instant::now(),
        }
    }

    fn ended(mut self, result: &ScrapeResult) {
        self.record(result);
    }

    fn record(&mut self, result: &ScrapeResult) {
        if let Some(status) = self.status.take() {
            status.scraped(self.began.elapsed(), result);
        }
    }
}

impl Drop for UnrecordedScrape<'_> {
    fn drop(&mut self) {
        if self.status.is_some() {
            self.record(&Err(ScrapeError::disconnected()));
        }
    }
}

impl SelectorHandle {
    /// Starts the actor of a selector on a thread.
    pub(super) fn start(
        selector: config::Selector,
        slot: ThreadSlot,
        threads: &ActorThreads,
        metrics: &Metrics,
    ) -> Self {
        let spec = Arc::new(selector);
        let status = Arc::new(Status::new(
            metrics.selector(&spec.name),
            spec.limits.max_in_flight,
            threads.global_limit.clone(),
        ));
        status.disclosure.follow(&spec.access);
        let shutdown = ShutdownFlag::default();
        let (address, mailbox) = channel::channel(MAILBOX);

        let source_context = SourceContext {
            watches: threads.watches.clone(),
            blocking: threads.blocking.clone(),
            secret_files: threads.secret_files.clone(),
            shared: threads.shared.clone(),
            shared_by_thread: slot.shared(),
            status: Arc::clone(&status),
            faults: Faults::default(),
        };
        #[cfg(any(test, feature = "faults"))]
        let faults = source_context.faults.clone();
        let (actor_spec, actor_status) = (Arc::clone(&spec), Arc::clone(&status));
        let (actor_shutdown, backoff) = (shutdown.clone(), threads.backoff.clone());
        // The address is valid from here on, whatever happens to the actor.
        slot.arbiter.spawn_fn(move || {
            let span = tracing::error_span!("actor", selector = actor_spec.name);
            actix_rt::spawn(Supervisor::new(
                Context::with_receiver(mailbox),
                SelectorActor::new(actor_spec, source_context),
                actor_status,
                actor_shutdown,
                backoff,
                span,
            ));
        });
        Self {
            source: source::kind(&spec.source).label(),
            blocking: threads.blocking.clone(),
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

    /// A handle to the same actor, with other access and discovery settings.
    pub(super) fn with_settings(&self, selector: config::Selector) -> Self {
        self.status.disclosure.follow(&selector.access);
        Self {
            spec: Arc::new(selector),
            source: self.source.clone(),
            blocking: self.blocking.clone(),
            status: Arc::clone(&self.status),
            actor: Arc::clone(&self.actor),
            #[cfg(any(test, feature = "faults"))]
            faults: self.faults.clone(),
        }
    }

    /// Why the thread of the actor is unresponsive; `None` if it was not abandoned.
    pub(super) fn unresponsive(&self) -> Option<Unresponsive> {
        if !self.actor.slot.is_abandoned() {
            return None;
        }
        match self.status.is_stuck() {
            true => Some(Unresponsive::OwnCode),
            false => Some(Unresponsive::OtherActor),
        }
    }

    /// Resolves when the actor is ready to serve: for a source with a cache, when the cache was
    /// filled for the first time.
    pub async fn ready(&self) {
        if source::kind(&self.spec.source).has_cache() {
            self.status.cache_filled().await;
        }
    }

    /// Scrapes the selector for a scraper that supports `accepted`. Takes at most `within` and at
    /// most the selector's timeout.
    ///
    /// # Errors
    /// If no valid body is available; see [`crate::Reason`].
    pub async fn scrape(&self, within: Duration, accepted: Accepted) -> ScrapeResult {
        let unrecorded = UnrecordedScrape::begin(&self.status);
        let within = within.min(self.spec.limits.timeout);
        let result = self.send(unrecorded.began, within).await;
        let result = match result {
            Ok(exposition) if exposition.must_be_adapted(accepted) => {
                let deadline = unrecorded.began + within + GRACE;
                let policy = self.spec.body_policy;
                let converted = timeout_at(
                    deadline,
                    exposition.for_scraper(accepted, policy, &self.blocking),
                )
                .await;
                let late = |_| Err(ScrapeError::timeout("converting the names of the body", ""));
                converted.unwrap_or_else(late)
            }
            result => result,
        };
        unrecorded.ended(&result);
        result
    }

    async fn send(&self, began: Instant, within: Duration) -> ScrapeResult {
        let (permit, _global_permit) = match self.status.admit()? {
            Admission::Admitted(permit, global_permit) => (permit, global_permit),
            Admission::Cached(result) => return result,
        };
        let (caller, _guard) = Caller::connected();
        let scrape = Scrape {
            deadline: began + within,
            permit,
            caller,
        };
        let address = &self.actor.address;
        match address.send(scrape).timeout(within + GRACE).await {
            Ok(result) => result,
            Err(MailboxError::Closed) => Err(self.status.crashed()),
            Err(MailboxError::Timeout) => {
                let message = format!("the actor of {} is stuck", self.source);
                Err(ScrapeError::new(Reason::Timeout, message))
            }
        }
    }

    /// Injects a fault into the actor: a command such as `panic handler`.
    ///
    /// # Errors
    /// If the command is invalid.
    #[cfg(feature = "faults")]
    pub fn inject_fault(&self, command: &str) -> Result<(), String> {
        self.faults.execute(command)
    }

    /// The settings of the selector.
    #[must_use]
    pub fn spec(&self) -> &config::Selector {
        &self.spec
    }

    /// The name of the source in messages and on pages.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Updates the metrics that change with time.
    pub fn age_metrics(&self) {
        self.status.age_metrics();
    }

    /// Whether the last read of the source succeeded.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.status.is_up()
    }

    /// The state of the actor.
    #[must_use]
    pub fn state(&self) -> State {
        self.status.state()
    }

    /// The status of the selector, obtained without messaging its actor.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.status.snapshot()
    }

    /// The latest report about the files of the selector, if it reads files. It repeats pieces of the
    /// files, so it is only for clients that have passed the selector's access rules.
    #[must_use]
    pub fn files(&self) -> Option<Arc<CacheReport>> {
        self.status.cache_report()
    }
}

impl Drop for ActorGuard {
    fn drop(&mut self) {
        self.shutdown.request();
        self.address.do_send(Shutdown);
        // Not when the actor has ended: a stuck actor, or one on a blocked thread, may never end.
        self.status.release_metrics();
    }
}
