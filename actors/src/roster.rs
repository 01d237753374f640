//! The selectors of one configuration: who there is, and the door to each.
//!
//! A roster is made whole and replaced whole; nothing in it changes. Callers
//! knock at a [`Door`], which refuses at once what cannot be answered, sends
//! one message and returns its reply. Doors stay valid while their actors come
//! and go behind them. Nothing here knows HTTP.

use crate::backoff::Backoff;
use crate::faults::Faults;
use crate::metrics::Metrics;
use crate::scrape::{Answer, Caller, Names, Scrape, ScrapeError};
use crate::selector::{Retire, SelectorActor};
use crate::source::{self, Surroundings, Watches};
use crate::status::{Ceiling, Snapshot, State, Status};
use crate::supervise::{Retirement, Supervision};
use actix::dev::channel;
use actix::{Addr, Context, MailboxError};
use actix_rt::{Arbiter, ArbiterHandle};
use local_exporter_config as config;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How much later than its deadline an answer may come before the actor counts
/// as stuck: it keeps deadlines itself, this only guards against it.
const GRACE: Duration = Duration::from_millis(50);
/// Room in a mailbox beside the scrapes, which their permits bound.
const MAILBOX: usize = 16;
/// The most threads for actors, however many processors there are: they wait more than they work.
const MOST_ARBITERS: usize = 4;

/// The most threads that block for one arbiter: each selector has one look at
/// files and one judging under way at the most, so this many may hang before
/// another waits.
const MOST_BLOCKING: usize = 128;

/// The threads that actors live on, apart from those that serve HTTP.
#[derive(Debug)]
pub struct Arbiters {
    threads: Vec<Arbiter>,
    watches: Watches,
    ceiling: Ceiling,
    backoff: Backoff,
}

impl Arbiters {
    /// Starts the threads, for as many scrapes at once as the ceiling allows. Must
    /// be called within an actix system.
    ///
    /// # Errors
    /// When the thread for file events cannot be started.
    pub fn start(ceiling: Ceiling) -> io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        // Two at least, so that one busy actor does not sit before all others.
        let count = processors.clamp(2, MOST_ARBITERS);
        Ok(Self {
            watches: Watches::start()?,
            ceiling,
            #[cfg(not(feature = "faults"))]
            backoff: crate::supervise::ACTOR_BACKOFF,
            #[cfg(feature = "faults")]
            backoff: crate::faults::rests(),
            threads: (0..count)
                .map(|_| Arbiter::with_tokio_rt(runtime))
                .collect(),
        })
    }

    fn handle(&self, index: usize) -> Option<ArbiterHandle> {
        let thread = self.threads.get(index % self.threads.len().max(1))?;
        Some(thread.handle())
    }
}

/// The runtime of one thread, and of the threads that block for it.
#[expect(
    clippy::expect_used,
    reason = "without a runtime there is nothing to go on with"
)]
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(MOST_BLOCKING)
        .build()
        .expect("a runtime")
}

impl Drop for Arbiters {
    fn drop(&mut self) {
        for thread in &self.threads {
            thread.stop();
        }
    }
}

/// The doors, by name and in the order of the configuration.
#[derive(Debug, Default)]
pub struct Roster {
    doors: Vec<Arc<Door>>,
    by_name: HashMap<String, usize>,
}

impl Roster {
    /// Starts an actor for each selector.
    #[must_use]
    pub fn start(selectors: Vec<config::Selector>, arbiters: &Arbiters, metrics: &Metrics) -> Self {
        let mut roster = Self::default();
        for (index, selector) in selectors.into_iter().enumerate() {
            let Some(arbiter) = arbiters.handle(index) else {
                break;
            };
            let name = selector.name.clone();
            let door = Door::open(selector, &arbiter, arbiters, metrics);
            roster.by_name.insert(name, index);
            roster.doors.push(Arc::new(door));
        }
        roster
    }

    /// The door of a selector.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Door>> {
        self.doors.get(*self.by_name.get(name)?)
    }

    /// All doors, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Door>> {
        self.doors.iter()
    }

    /// Whether there is no selector at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.doors.is_empty()
    }
}

/// The way to one selector's actor.
#[derive(Debug)]
pub struct Door {
    spec: Arc<config::Selector>,
    source: String,
    address: Addr<SelectorActor>,
    status: Arc<Status>,
    retirement: Retirement,
    #[cfg(any(test, feature = "faults"))]
    faults: Faults,
}

impl Door {
    fn open(
        selector: config::Selector,
        arbiter: &ArbiterHandle,
        arbiters: &Arbiters,
        metrics: &Metrics,
    ) -> Self {
        let spec = Arc::new(selector);
        let handles = metrics.selector(&spec.name);
        let (max_in_flight, ceiling) = (spec.limits.max_in_flight, arbiters.ceiling.clone());
        let status = Arc::new(Status::new(handles, max_in_flight, ceiling));
        let retirement = Retirement::default();
        let (address, mailbox) = channel::channel(MAILBOX);

        let surroundings = Surroundings {
            watches: arbiters.watches.clone(),
            status: Arc::clone(&status),
            faults: Faults::default(),
        };
        #[cfg(any(test, feature = "faults"))]
        let faults = surroundings.faults.clone();
        let (actor_spec, actor_status) = (Arc::clone(&spec), Arc::clone(&status));
        let (actor_retirement, backoff) = (retirement.clone(), arbiters.backoff.clone());
        // The address is valid from here on, whatever happens to the actor.
        arbiter.spawn_fn(move || {
            let span = tracing::error_span!("actor", selector = actor_spec.name);
            let actor = SelectorActor::new(actor_spec, surroundings);
            let context = Context::with_receiver(mailbox);
            actix_rt::spawn(Supervision::new(
                context,
                actor,
                actor_status,
                actor_retirement,
                backoff,
                span,
            ));
        });
        Self {
            source: source::label(&spec.source),
            spec,
            address: Addr::new(address),
            status,
            retirement,
            #[cfg(any(test, feature = "faults"))]
            faults,
        }
    }

    /// One scrape, answered within `within` or, if that is less, the selector's
    /// timeout, for a scraper that reads `names`.
    ///
    /// # Errors
    /// Why there is no whole answer; see [`crate::Reason`].
    pub async fn scrape(&self, within: Duration, names: Names) -> Answer {
        let began = Instant::now();
        let answer = self.ask(began, within.min(self.spec.limits.timeout)).await;
        let answer = answer.and_then(|exposition| exposition.for_names(names));
        self.status.scraped(began.elapsed(), &answer);
        answer
    }

    async fn ask(&self, began: Instant, within: Duration) -> Answer {
        let (caller, _waiting) = Caller::waiting();
        let scrape = Scrape {
            deadline: began + within,
            permit: self.status.admit()?,
            caller,
        };
        let reply = self.address.send(scrape).timeout(within + GRACE).await;
        match reply {
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
    pub fn order(&self, words: &str) -> Result<(), String> {
        self.faults.obey(words)
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

impl Drop for Door {
    fn drop(&mut self) {
        self.retirement.announce();
        self.address.do_send(Retire);
    }
}

#[cfg(test)]
mod tests;
