//! Checks that every thread that serves HTTP still runs tasks, for the watchdog.
//!
//! Each of these threads has a task that responds to probes. A thread that is blocked, in an endless
//! loop or gone does not respond; a busy one responds late. Single requests, actors and sources are not
//! checked: they have deadlines, and restarting the process would not help them. The thread that
//! accepts connections runs no task of ours, so it is not checked.

use std::future::pending;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// The sender to the task of one thread.
type Probe = mpsc::Sender<oneshot::Sender<()>>;

/// The threads to check.
#[derive(Debug, Default)]
pub(crate) struct Liveness(Mutex<Vec<Probe>>);

impl Liveness {
    /// Adds the current thread, which must run an actix arbiter.
    pub(crate) fn add_current_thread(&self) {
        // One probe at a time.
        let (probe, mut probes) = mpsc::channel::<oneshot::Sender<()>>(1);
        actix_rt::spawn(async move {
            while let Some(response) = probes.recv().await {
                // The caller may have stopped waiting.
                let _ = response.send(());
            }
        });
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(probe);
    }

    /// Resolves once all threads have responded; never if one of them is gone.
    pub(crate) async fn all_respond(&self) {
        let probes = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for probe in probes {
            let (response, responded) = oneshot::channel();
            if probe.send(response).await.is_err() || responded.await.is_err() {
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

    /// Runs a test with two added threads. The current thread is not added.
    fn on_threads(test: impl AsyncFnOnce(Arc<Liveness>, &[Arbiter])) {
        System::new().block_on(async {
            let liveness = Arc::new(Liveness::default());
            let threads = [Arbiter::new(), Arbiter::new()];
            for thread in &threads {
                let (added, is_added) = oneshot::channel();
                let liveness = Arc::clone(&liveness);
                thread.spawn_fn(move || {
                    liveness.add_current_thread();
                    added.send(()).unwrap();
                });
                is_added.await.unwrap();
            }
            test(liveness, &threads).await;
        });
    }

    #[test]
    fn idle_threads_respond_repeatedly() {
        on_threads(async |liveness, _| {
            liveness.all_respond().await;
            liveness.all_respond().await;
        });
    }

    #[test]
    fn a_blocked_thread_responds_once_it_is_released() {
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
    fn a_thread_that_has_ended_does_not_respond() {
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
