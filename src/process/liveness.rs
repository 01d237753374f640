//! Whether every thread that has to answer requests still does anything at all.
//!
//! Each of them has a task that answers when it is called. A thread that is
//! stuck in a loop, blocked, or gone does not; one that is only busy answers
//! late. It says nothing of a single request, actor or source: those have their
//! deadlines, and no restart of the process would help them. The thread that
//! accepts connections is not called, since it runs no task of ours.

use std::future::pending;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// The way to a task that answers by dropping what it gets.
type Probe = mpsc::Sender<oneshot::Sender<()>>;

/// The threads that are to answer.
#[derive(Debug, Default)]
pub(crate) struct Liveness(Mutex<Vec<Probe>>);

impl Liveness {
    /// Adds the thread that this is called on, which must be one of actix.
    pub(crate) fn add_current_thread(&self) {
        // One call at a time.
        let (probe, mut calls) = mpsc::channel::<oneshot::Sender<()>>(1);
        actix_rt::spawn(async move {
            while let Some(answer) = calls.recv().await {
                // Whoever called may have stopped to wait.
                let _ = answer.send(());
            }
        });
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(probe);
    }

    /// Resolves when all of them have answered: never, if one of them is gone.
    pub(crate) async fn all_respond(&self) {
        let probes = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for probe in probes {
            let (answer, answered) = oneshot::channel();
            if probe.send(answer).await.is_err() || answered.await.is_err() {
                return pending().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use actix_rt::{Arbiter, System};
    use std::sync::{Arc, mpsc as blocking};
    use std::time::Duration;
    use tokio::time::timeout;

    /// The calls under test are awaited on this thread, so that it is not among those called.
    fn on_threads(test: impl AsyncFnOnce(Arc<Liveness>, &[Arbiter])) {
        System::new().block_on(async {
            let liveness = Arc::new(Liveness::default());
            let threads = [Arbiter::new(), Arbiter::new()];
            for thread in &threads {
                let (joins, joined) = oneshot::channel();
                let liveness = Arc::clone(&liveness);
                thread.spawn_fn(move || {
                    liveness.add_current_thread();
                    joins.send(()).unwrap();
                });
                joined.await.unwrap();
            }
            test(liveness, &threads).await;
        });
    }

    #[test]
    fn threads_that_are_well_answer_again_and_again() {
        on_threads(async |liveness, _| {
            liveness.all_respond().await;
            liveness.all_respond().await;
        });
    }

    #[test]
    fn a_thread_that_is_stuck_does_not_and_once_it_is_not_it_does() {
        on_threads(async |liveness, threads| {
            let [_, second] = threads else { return };
            let (release, held) = blocking::channel::<()>();
            let (begin, begun) = blocking::channel::<()>();
            second.spawn_fn(move || {
                begin.send(()).unwrap();
                held.recv().unwrap();
            });
            begun.recv().unwrap();
            let call = liveness.all_respond();
            tokio::pin!(call);
            let soon = Duration::from_millis(50);
            assert!(timeout(soon, call.as_mut()).await.is_err());
            release.send(()).unwrap();
            call.await;
        });
    }

    #[test]
    fn a_thread_that_is_gone_does_not() {
        on_threads(async |liveness, threads| {
            let [first, _] = threads else { return };
            first.stop();
            let gone = liveness.0.lock().unwrap().first().unwrap().clone();
            gone.closed().await;
            let soon = Duration::from_millis(50);
            assert!(timeout(soon, liveness.all_respond()).await.is_err());
        });
    }
}
