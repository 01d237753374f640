//! The pool of threads for work that blocks, one for the whole process.
//!
//! tokio's pool panics if the system refuses a thread (`pids.max`, `RLIMIT_NPROC`), and a panic costs
//! an actor its cache. This pool returns an error instead: [`TaskError::NoThread`]. [`threads`] has
//! the rules for its threads.
//!
//! Must not know what its tasks do. A task may hang for ever: only a thread is lost.

mod start;
mod threads;

pub use start::{cannot_start, check_threads};

use crate::lock::lock;
use futures_util::future::BoxFuture;
use prometheus::IntCounter;
use std::fmt;
use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use threads::Threads;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long a task waits for a busy thread if no other one can be started.
const START_TIMEOUT: Duration = Duration::from_secs(1);

/// A handle to the pool; clones share it. Its threads end after the last handle.
#[derive(Clone, Debug)]
pub struct BlockingPool(Arc<Threads>);

/// A started task: its result, or why there is none. Dropping it does not end the task.
pub type BlockingTask<T> = BoxFuture<'static, Result<T, TaskError>>;

/// Why a task has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskError {
    /// It did not start: no thread was free, and none could be started, for this reason.
    NoThread(String),
    /// It panicked, which was logged.
    Panicked,
}

impl TaskError {
    /// Continues the panic of a task in the caller, so that the actor fails and restarts. Returns the
    /// error otherwise.
    pub(crate) fn or_resume_panic(self) -> io::Error {
        match self {
            Self::NoThread(_) => io::Error::other(self),
            Self::Panicked => resume_unwind(Box::new("a task of the blocking pool panicked")),
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThread(message) => formatter.write_str(message),
            Self::Panicked => formatter.write_str("a task panicked; see the log"),
        }
    }
}

impl std::error::Error for TaskError {}

impl BlockingPool {
    /// Starts the pool with the threads that stay.
    ///
    /// # Errors
    /// If they cannot be started.
    pub fn start() -> io::Result<Self> {
        Ok(Self(Arc::new(Threads::start()?)))
    }

    /// Counts how often no thread could be started.
    #[must_use]
    pub fn failures(&self) -> &IntCounter {
        self.0.failures()
    }

    /// Starts a task. Its result must be awaited within a tokio runtime.
    pub fn spawn<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> BlockingTask<T> {
        let (send, mut result) = oneshot::channel();
        // Taken by the thread that runs the task, or by the caller that stops waiting for one.
        let task = Arc::new(Mutex::new(Some(task)));
        let unstarted = Arc::clone(&task);
        let submitted = self.0.submit(Box::new(move || {
            let task = lock(&task).take();
            if let Some(task) = task {
                // The receiver is gone if the caller has stopped waiting.
                let _ = send.send(task());
            }
        }));
        Box::pin(async move {
            if let Err(cause) = submitted {
                let ended = timeout(START_TIMEOUT, &mut result).await;
                if lock(&unstarted).take().is_some() {
                    return Err(TaskError::NoThread(cause));
                }
                if let Ok(ended) = ended {
                    return ended.map_err(|_| TaskError::Panicked);
                }
            }
            result.await.map_err(|_| TaskError::Panicked)
        })
    }
}

#[cfg(test)]
mod tests;
