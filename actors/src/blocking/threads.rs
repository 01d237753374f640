//! The threads of the pool, and the queue of jobs that they run.
//!
//! A few threads start with the pool and stay, so that short jobs run even if the system refuses
//! others. Those are started when needed, and end when they are idle. A job that panics ends its
//! thread.

use super::start::refused;
use crate::lock::lock;
use prometheus::IntCounter;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Threads that start with the pool, and stay while they are idle.
pub(super) const KEPT_THREADS: usize = 2;
/// Most threads. Each selector has at most one task that reads files and one that validates a body.
/// This many may hang, for example on a file system, before others have to wait.
const MAX_THREADS: usize = 256;
/// How long the other threads stay while they are idle. Each task wakes any one of them, so one task
/// a second would keep ten threads alive with ten seconds, each with memory of its own.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// Most tasks that wait for a thread.
pub(super) const MAX_QUEUE: usize = 1024;

pub(super) type Job = Box<dyn FnOnce() + Send>;
/// Starts a thread; tests replace it.
pub(super) type Spawn = Box<dyn Fn(Job) -> io::Result<()> + Send + Sync>;

/// The threads; they end after this is dropped.
pub(super) struct Threads {
    shared: Arc<Shared>,
    spawn: Spawn,
    failures: IntCounter,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
    life: Life,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Life {
    #[default]
    Open,
    Closed,
}

impl fmt::Debug for Threads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Threads").finish_non_exhaustive()
    }
}

impl Threads {
    /// Starts the threads that stay.
    ///
    /// # Errors
    /// If they cannot be started.
    pub(super) fn start() -> io::Result<Self> {
        Self::start_with(Box::new(|job| {
            let thread = std::thread::Builder::new().name("blocking".into());
            thread.spawn(job).map(drop)
        }))
    }

    pub(super) fn start_with(spawn: Spawn) -> io::Result<Self> {
        let failures = IntCounter::new(
            "local_exporter_thread_start_failures_total",
            "Times that the system refused to start a thread for work that blocks.",
        );
        let threads = Self {
            shared: Arc::default(),
            spawn,
            failures: failures.map_err(io::Error::other)?,
        };
        for _ in 0..KEPT_THREADS {
            let started = threads.start_thread(&mut lock(&threads.shared.state));
            started.map_err(io::Error::other)?;
        }
        Ok(threads)
    }

    /// Counts how often the system refused a thread.
    pub(super) fn failures(&self) -> &IntCounter {
        &self.failures
    }

    /// Number of threads.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.shared.state).threads
    }

    /// Queues a job for a thread.
    ///
    /// # Errors
    /// The cause, if all threads are busy and no other one can be started. The job is queued
    /// nevertheless if a busy thread may become free.
    pub(super) fn submit(&self, job: Job) -> Result<(), String> {
        let mut state = lock(&self.shared.state);
        let has_thread = match state.idle > state.queue.len() {
            true => Ok(()),
            false => self.start_thread(&mut state),
        };
        if has_thread.is_ok() || (state.threads > 0 && state.queue.len() < MAX_QUEUE) {
            state.queue.push_back(job);
        }
        drop(state);
        self.shared.work.notify_one();
        has_thread
    }

    fn start_thread(&self, state: &mut State) -> Result<(), String> {
        if state.threads >= MAX_THREADS {
            return Err(format!(
                "all {MAX_THREADS} threads for work that blocks are busy"
            ));
        }
        let shared = Arc::clone(&self.shared);
        let started = (self.spawn)(Box::new(move || shared.run()));
        started.map_err(|error| {
            self.failures.inc();
            refused(&error)
        })?;
        state.threads += 1;
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        lock(&self.shared.state).life = Life::Closed;
        self.shared.work.notify_all();
    }
}

impl Shared {
    /// Runs jobs on the current thread until it has been idle for too long. A job that panics ends
    /// the thread.
    fn run(&self) {
        let _counted = CountedThread(self);
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                job();
                state = lock(&self.state);
                continue;
            }
            if state.life == Life::Closed {
                return;
            }
            let stays = state.threads <= KEPT_THREADS;
            state.idle += 1;
            let idle;
            (state, idle) = self.wait(state, stays);
            state.idle -= 1;
            if idle == Idle::TooLong && state.queue.is_empty() && state.threads > KEPT_THREADS {
                return;
            }
        }
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>, stays: bool) -> (MutexGuard<'s, State>, Idle) {
        if stays {
            let state = self.work.wait(state);
            return (state.unwrap_or_else(PoisonError::into_inner), Idle::Woken);
        }
        let waited = self.work.wait_timeout(state, KEEP_ALIVE);
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        match waited.timed_out() {
            true => (state, Idle::TooLong),
            false => (state, Idle::Woken),
        }
    }
}

/// Why a thread stopped waiting for a job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Idle {
    Woken,
    TooLong,
}

/// Counts the current thread until it ends, also after a panic.
struct CountedThread<'s>(&'s Shared);

impl Drop for CountedThread<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).threads -= 1;
    }
}
