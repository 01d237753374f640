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
const MOST_BLOCKING: usize = 128;
/// How long a thread that blocks is kept with nothing to do. The next job goes to any
/// of those that wait, so with a job a second ten seconds would keep ten of them, each with
/// memory of its own, for what one of them could do.
const KEPT_IDLE: Duration = Duration::from_secs(1);

/// One thread.
#[derive(Debug)]
pub(super) struct ActorThread {
    arbiter: Arbiter,
    /// Shared with every place on it, which counts them.
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    standing: watch::Sender<Standing>,
}

/// Whether a thread does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It has answered when it was last called, or was never called.
    Answers,
    /// It was called at that time and has not answered yet.
    Owes(Instant),
    /// It has not answered for so long that nobody waits for it any more.
    GivenUp,
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
                standing: watch::Sender::new(Standing::Answers),
            }),
        }
    }

    /// How many actors live on it.
    pub(super) fn residents(&self) -> usize {
        Arc::strong_count(&self.shared) - 1
    }

    /// A place on it.
    pub(super) fn place(&self) -> ThreadSlot {
        ThreadSlot {
            arbiter: self.arbiter.handle(),
            shared: Arc::clone(&self.shared),
        }
    }

    /// Calls it, unless it owes an answer already.
    pub(super) fn call(&self) {
        let standing = &self.shared.standing;
        let called = standing.send_if_modified(|standing| {
            let calls = *standing == Standing::Answers;
            if calls {
                *standing = Standing::Owes(Instant::now());
            }
            calls
        });
        if called {
            let standing = standing.clone();
            self.arbiter.spawn_fn(move || {
                standing.send_replace(Standing::Answers);
            });
        }
    }

    /// For how long it has owed an answer, unless it was given up.
    pub(super) fn owes_for(&self) -> Option<Duration> {
        match *self.shared.standing.borrow() {
            Standing::Owes(since) => Some(since.elapsed()),
            Standing::Answers | Standing::GivenUp => None,
        }
    }

    /// Waits for it no longer. Should it answer after all, it is like any other.
    pub(super) fn give_up(&self) {
        let owing = |standing: &mut Standing| {
            let owes = matches!(standing, Standing::Owes(_));
            if owes {
                *standing = Standing::GivenUp;
            }
            owes
        };
        self.shared.standing.send_if_modified(owing);
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.shared.is_given_up()
    }

    /// Resolves when it owes no answer: whether it has given one.
    pub(super) fn settled(&self) -> impl Future<Output = bool> + use<> {
        let mut standing = self.shared.standing.subscribe();
        async move {
            let owes = |standing: &Standing| matches!(standing, Standing::Owes(_));
            let settled = standing.wait_for(|standing| !owes(standing)).await;
            settled.is_ok_and(|standing| *standing == Standing::Answers)
        }
    }

    /// Ends it, as soon as it gets to it.
    pub(super) fn stop(&self) {
        self.arbiter.stop();
    }
}

impl ThreadSlot {
    /// Whether nothing here goes on.
    pub(super) fn is_given_up(&self) -> bool {
        self.shared.is_given_up()
    }
}

impl Shared {
    fn is_given_up(&self) -> bool {
        *self.standing.borrow() == Standing::GivenUp
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
        .max_blocking_threads(MOST_BLOCKING)
        .thread_keep_alive(KEPT_IDLE)
        .build()
        .expect("a runtime")
}
