//! One thread that actors live on: who lives there, and whether it still answers.
//!
//! A thread answers when it gets to what it was called for, which takes it no time
//! unless code of one of its actors does not return. Nothing here knows what an
//! actor does.

use actix_rt::{Arbiter, ArbiterHandle};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::Instant;

/// The most threads that block for one arbiter: each selector has one look at
/// files and one judging under way at the most, so this many may hang before
/// another waits.
const MAX_BLOCKING_THREADS: usize = 128;
/// How long a thread that blocks is kept with nothing to do. The next job goes to any
/// of those that wait, so with a job a second ten seconds would keep ten of them, each with
/// memory of its own, for what one of them could do.
const BLOCKING_KEEP_ALIVE: Duration = Duration::from_secs(1);

/// One thread.
#[derive(Debug)]
pub(super) struct ActorThread {
    arbiter: Arbiter,
    /// Shared with every place on it, which counts them.
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    health: watch::Sender<Health>,
}

/// Whether a thread does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// It has answered when it was last called, or was never called.
    Responsive,
    /// It was called at that time and has not answered yet.
    Pinged(Instant),
    /// It has not answered for so long that nobody waits for it any more.
    Abandoned,
}

/// An actor's place on a thread, given back when dropped.
#[derive(Debug)]
pub(super) struct ThreadSlot {
    pub(super) arbiter: ArbiterHandle,
    shared: Arc<Shared>,
}

impl ActorThread {
    /// Starts one. Must be called within an actix system.
    pub(super) fn start() -> Self {
        Self {
            arbiter: Arbiter::with_tokio_rt(runtime),
            shared: Arc::new(Shared {
                health: watch::Sender::new(Health::Responsive),
            }),
        }
    }

    /// How many actors live on it.
    pub(super) fn actors(&self) -> usize {
        Arc::strong_count(&self.shared) - 1
    }

    /// A place on it.
    pub(super) fn slot(&self) -> ThreadSlot {
        ThreadSlot {
            arbiter: self.arbiter.handle(),
            shared: Arc::clone(&self.shared),
        }
    }

    /// Calls it, unless it owes an answer already.
    pub(super) fn ping(&self) {
        let health = &self.shared.health;
        let pinged = health.send_if_modified(|health| {
            let ping = *health == Health::Responsive;
            if ping {
                *health = Health::Pinged(Instant::now());
            }
            ping
        });
        if pinged {
            let health = health.clone();
            self.arbiter.spawn_fn(move || {
                health.send_replace(Health::Responsive);
            });
        }
    }

    /// For how long it has owed an answer, unless it was given up.
    pub(super) fn overdue_for(&self) -> Option<Duration> {
        match *self.shared.health.borrow() {
            Health::Pinged(since) => Some(since.elapsed()),
            Health::Responsive | Health::Abandoned => None,
        }
    }

    /// Waits for it no longer. Should it answer after all, it is like any other.
    pub(super) fn abandon(&self) {
        let owing = |health: &mut Health| {
            let owes = matches!(health, Health::Pinged(_));
            if owes {
                *health = Health::Abandoned;
            }
            owes
        };
        self.shared.health.send_if_modified(owing);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }

    /// Resolves when it owes no answer: whether it has given one.
    pub(super) fn pong(&self) -> impl Future<Output = bool> + use<> {
        let mut health = self.shared.health.subscribe();
        async move {
            let owes = |health: &Health| matches!(health, Health::Pinged(_));
            let settled = health.wait_for(|health| !owes(health)).await;
            settled.is_ok_and(|health| *health == Health::Responsive)
        }
    }

    /// Ends it, as soon as it gets to it.
    pub(super) fn stop(&self) {
        self.arbiter.stop();
    }
}

impl ThreadSlot {
    /// Whether nothing here goes on.
    pub(super) fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }
}

impl Shared {
    fn is_abandoned(&self) -> bool {
        *self.health.borrow() == Health::Abandoned
    }
}

/// The runtime of one thread, and of the threads that block for it.
#[expect(
    clippy::expect_used,
    reason = "without a runtime there is nothing to go on with"
)]
fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .thread_keep_alive(BLOCKING_KEEP_ALIVE)
        .build()
        .expect("a runtime")
}
