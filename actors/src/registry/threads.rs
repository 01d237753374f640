//! The actor threads: where new actors are placed, and how unresponsive threads are replaced.
//!
//! A new actor is placed on the responsive thread with the fewest actors. A thread that does not
//! answer pings is abandoned and replaced, and its actors are evacuated. This module must not
//! depend on what actors do.

use super::thread::{ActorThread, ThreadSlot};
use crate::admission::GlobalLimit;
use crate::backoff::Backoff;
use crate::blocking::BlockingPool;
use crate::lock::lock;
use crate::secret_files::SecretFiles;
use crate::shared::SharedValues;
use crate::source::Watches;
use futures_util::future::join_all;
use prometheus::IntCounter;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::sleep;

/// Most responsive threads, independent of the number of processors: actors mostly wait.
const MAX_WORKING_THREADS: usize = 4;

/// Most threads including abandoned ones, so that code which gets stuck repeatedly does not
/// exhaust the host.
const MAX_THREADS: usize = 16;

/// How long a ping may stay unanswered before the thread is unresponsive. No code of an actor
/// occupies its thread for more than milliseconds.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// The delay between pings while no thread answers.
const PING_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The threads of the actors, and what the actors share.
#[derive(Debug)]
pub struct ActorThreads {
    pub(super) handles: ThreadHandles,
    /// Target number of responsive threads.
    count: usize,
    pub(super) ping_timeout: Duration,
    pub(super) watches: Watches,
    pub(super) blocking: BlockingPool,
    pub(super) secret_files: SecretFiles,
    pub(super) shared: SharedValues,
    pub(super) global_limit: GlobalLimit,
    pub(super) backoff: Backoff,
}

/// The actor threads, for liveness checks. Clones share them.
#[derive(Clone, Debug)]
pub struct ThreadHandles(Arc<Mutex<Vec<ActorThread>>>);

impl ThreadHandles {
    pub(super) fn all(&self) -> MutexGuard<'_, Vec<ActorThread>> {
        lock(&self.0)
    }

    /// Resolves when every thread that is not abandoned has answered a ping, and at least one
    /// has.
    pub async fn responsive(&self) {
        while !join_all(self.ping()).await.contains(&true) {
            sleep(PING_AGAIN_AFTER).await;
        }
    }

    /// Pings all threads. Each future resolves to whether the thread has answered.
    fn ping(&self) -> Vec<impl Future<Output = bool> + use<>> {
        let threads = self.all();
        threads.iter().for_each(ActorThread::ping);
        threads.iter().map(ActorThread::pong).collect()
    }
}

impl ActorThreads {
    /// Starts the threads. Must be called within an actix system.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn start(global_limit: GlobalLimit) -> io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        // At least two, so that a busy actor does not delay all others.
        let count = processors.clamp(2, MAX_WORKING_THREADS);
        let threads = (0..count).map(|_| ActorThread::start());
        let threads = threads.collect::<io::Result<_>>()?;
        let blocking = BlockingPool::start()?;
        Ok(Self {
            watches: Watches::start()?,
            secret_files: SecretFiles::new(blocking.clone()),
            blocking,
            shared: SharedValues::default(),
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

    /// Counts how often file events were lost.
    #[must_use]
    pub fn lost_file_events(&self) -> &IntCounter {
        self.watches.lost()
    }

    /// The threads for work that blocks.
    #[must_use]
    pub fn blocking(&self) -> &BlockingPool {
        &self.blocking
    }

    /// The files that no source serves.
    #[must_use]
    pub fn secret_files(&self) -> &SecretFiles {
        &self.secret_files
    }

    /// The threads, for liveness checks.
    #[must_use]
    pub fn handles(&self) -> ThreadHandles {
        self.handles.clone()
    }

    /// Resolves when a thread is unresponsive, at most two ping timeouts after it was blocked.
    /// Cancel safe.
    pub async fn unresponsive(&self) {
        let is_unresponsive =
            |thread: &ActorThread| thread.unanswered_for() >= Some(self.ping_timeout);
        loop {
            {
                let threads = self.handles.all();
                if threads.iter().any(is_unresponsive) {
                    return;
                }
                threads.iter().for_each(ActorThread::ping);
            }
            sleep(self.ping_timeout).await;
        }
    }

    /// Abandons the unresponsive threads and starts others, up to the largest number of
    /// threads. Must be called within an actix system.
    pub(super) fn replace_unresponsive(&self) {
        let mut threads = self.handles.all();
        for thread in threads.iter() {
            if thread.unanswered_for() >= Some(self.ping_timeout) {
                thread.abandon();
            }
        }
        let working = |threads: &[ActorThread]| {
            let working = threads.iter().filter(|thread| !thread.is_abandoned());
            working.count()
        };
        while working(&threads) < self.count && threads.len() < MAX_THREADS {
            match ActorThread::start() {
                Ok(thread) => threads.push(thread),
                // Tried again while a thread is unresponsive.
                Err(error) => {
                    tracing::error!(%error, "cannot replace an unresponsive actor thread");
                    return;
                }
            }
        }
    }

    /// A slot on the thread with the fewest actors; on an abandoned thread only if there is no
    /// other. `None` if there are no threads.
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
