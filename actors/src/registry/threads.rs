//! The threads that actors live on, and who lives on which.
//!
//! A new actor goes where the fewest live. A thread that code which does not return
//! holds up is given up, and another started in its place, so that those who lived
//! there can move. Nothing here knows what an actor does.

use super::thread::{ActorThread, ThreadSlot};
use crate::admission::GlobalLimit;
use crate::backoff::Backoff;
use crate::source::Watches;
use futures_util::future::join_all;
use prometheus::IntCounter;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// The most threads for actors, however many processors there are: they wait more than they work.
const MAX_WORKING_THREADS: usize = 4;

/// The most threads there ever are, those given up among them: code that gets stuck
/// again and again may not use up the host.
const MAX_THREADS: usize = 16;

/// How long a thread may leave a call unanswered before it is given up. Nothing that
/// actors do on it takes more than milliseconds.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before the threads are called again when none of them answers.
const PING_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The threads that actors live on, apart from those that serve HTTP.
#[derive(Debug)]
pub struct ActorThreads {
    pub(super) handles: ThreadHandles,
    /// How many are to be at work.
    count: usize,
    pub(super) ping_timeout: Duration,
    pub(super) watches: Watches,
    pub(super) global_limit: GlobalLimit,
    pub(super) backoff: Backoff,
}

/// The threads, for whoever wants to know whether they are well.
#[derive(Clone, Debug)]
pub struct ThreadHandles(Arc<Mutex<Vec<ActorThread>>>);

impl ThreadHandles {
    pub(super) fn all(&self) -> MutexGuard<'_, Vec<ActorThread>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when every thread has answered but those that were given up, and at
    /// least one.
    pub async fn responsive(&self) {
        while !join_all(self.ping()).await.contains(&true) {
            sleep(PING_AGAIN_AFTER).await;
        }
    }

    /// Calls all of them.
    fn ping(&self) -> Vec<impl Future<Output = bool> + use<>> {
        let threads = self.all();
        threads.iter().for_each(ActorThread::ping);
        threads.iter().map(ActorThread::pong).collect()
    }
}

impl ActorThreads {
    /// Starts the threads, for as many scrapes at once as the global_limit allows. Must
    /// be called within an actix system.
    ///
    /// # Errors
    /// When the thread for file events cannot be started.
    pub fn start(global_limit: GlobalLimit) -> io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        // Two at least, so that one busy actor does not sit before all others.
        let count = processors.clamp(2, MAX_WORKING_THREADS);
        let threads = (0..count).map(|_| ActorThread::start()).collect();
        Ok(Self {
            watches: Watches::start()?,
            global_limit,
            #[cfg(not(feature = "faults"))]
            backoff: crate::backoff::ACTOR_BACKOFF,
            #[cfg(feature = "faults")]
            backoff: crate::faults::backoff(),
            handles: ThreadHandles(Arc::new(Mutex::new(threads))),
            count,
            ping_timeout: PING_TIMEOUT,
        })
    }

    /// How often events of files were lost, for whoever shows metrics.
    #[must_use]
    pub fn lost_file_events(&self) -> &IntCounter {
        self.watches.lost()
    }

    /// The threads, to see whether they answer.
    #[must_use]
    pub fn handles(&self) -> ThreadHandles {
        self.handles.clone()
    }

    /// Resolves when a thread has owed an answer for too long: up to twice that after
    /// it was held up. May be dropped and called again at any time.
    pub async fn unresponsive(&self) {
        let too_long = |thread: &ActorThread| thread.overdue_for() >= Some(self.ping_timeout);
        loop {
            {
                let threads = self.handles.all();
                if threads.iter().any(too_long) {
                    return;
                }
                threads.iter().for_each(ActorThread::ping);
            }
            sleep(self.ping_timeout).await;
        }
    }

    /// Gives up the threads that have owed an answer for too long, and starts others
    /// in their place as far as there may be so many. Must be called within an actix
    /// system.
    pub(super) fn replace_unresponsive(&self) {
        let mut threads = self.handles.all();
        let too_long = |thread: &&ActorThread| thread.overdue_for() >= Some(self.ping_timeout);
        threads
            .iter()
            .filter(too_long)
            .for_each(ActorThread::abandon);
        let at_work =
            |threads: &[ActorThread]| threads.iter().filter(|t| !t.is_abandoned()).count();
        while at_work(&threads) < self.count && threads.len() < MAX_THREADS {
            threads.push(ActorThread::start());
        }
    }

    /// A place where the fewest are, and where anything goes on if there is such a
    /// thread; in turn, where they are as many everywhere.
    pub(super) fn slot(&self) -> Option<ThreadSlot> {
        let threads = self.handles.all();
        let least_loaded = threads
            .iter()
            .min_by_key(|thread| (thread.is_abandoned(), thread.actors()))?;
        Some(least_loaded.slot())
    }
}

impl Drop for ActorThreads {
    fn drop(&mut self) {
        self.handles.all().iter().for_each(ActorThread::stop);
    }
}
