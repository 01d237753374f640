//! The threads that actors live on, and who lives on which.
//!
//! A new actor goes where the fewest live. Nothing here knows what an actor does.

use crate::backoff::Backoff;
use crate::source::Watches;
use crate::status::Ceiling;
use actix_rt::{Arbiter, ArbiterHandle};
use std::io;
use std::sync::Arc;

/// The most threads for actors, however many processors there are: they wait more than they work.
const MOST_ARBITERS: usize = 4;

/// The most threads that block for one arbiter: each selector has one look at
/// files and one judging under way at the most, so this many may hang before
/// another waits.
const MOST_BLOCKING: usize = 128;

/// The threads that actors live on, apart from those that serve HTTP.
#[derive(Debug)]
pub struct Arbiters {
    pub(super) threads: Vec<Thread>,
    pub(super) watches: Watches,
    pub(super) ceiling: Ceiling,
    pub(super) backoff: Backoff,
}

/// One thread.
#[derive(Debug)]
pub(super) struct Thread {
    arbiter: Arbiter,
    /// Shared with every place on it, which counts them.
    residents: Arc<()>,
}

/// An actor's place on a thread, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) arbiter: ArbiterHandle,
    _resident: Arc<()>,
}

impl Thread {
    /// How many actors live on it.
    pub(super) fn residents(&self) -> usize {
        Arc::strong_count(&self.residents) - 1
    }
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
        let thread = |_| Thread {
            arbiter: Arbiter::with_tokio_rt(runtime),
            residents: Arc::default(),
        };
        Ok(Self {
            watches: Watches::start()?,
            ceiling,
            #[cfg(not(feature = "faults"))]
            backoff: crate::supervise::ACTOR_BACKOFF,
            #[cfg(feature = "faults")]
            backoff: crate::faults::rests(),
            threads: (0..count).map(thread).collect(),
        })
    }

    /// Has every thread do something, once, as soon as it gets to it.
    pub fn on_each(&self, task: impl Fn() + Clone + Send + 'static) {
        for thread in &self.threads {
            thread.arbiter.spawn_fn(task.clone());
        }
    }

    /// A place where the fewest are; in turn, where they are as many everywhere.
    pub(super) fn place(&self) -> Option<Place> {
        let thread = self
            .threads
            .iter()
            .min_by_key(|thread| thread.residents())?;
        Some(Place {
            arbiter: thread.arbiter.handle(),
            _resident: Arc::clone(&thread.residents),
        })
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
            thread.arbiter.stop();
        }
    }
}
