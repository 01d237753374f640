//! One actor thread: how many actors it has, and whether it answers pings.
//!
//! A ping is a closure that the thread runs as soon as it can, which takes no time unless the
//! code of an actor does not return. This module must not depend on what actors do.

use crate::blocking::cannot_start;
use crate::shared::SharedValues;
use actix_rt::{Arbiter, ArbiterHandle};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::Instant;

/// A thread with an event loop for actors.
#[derive(Debug)]
pub(super) struct ActorThread {
    arbiter: Arbiter,
    /// Also held by every slot, which counts the actors.
    state: Arc<ThreadState>,
}

#[derive(Debug)]
struct ThreadState {
    health: watch::Sender<Health>,
    /// What the sources of the thread share.
    shared: SharedValues,
}

/// Whether a thread answers pings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// It has answered the last ping, or was never pinged.
    Responsive,
    /// It was pinged at this time, and has not answered yet.
    Pinged(Instant),
    /// It did not answer in time and was replaced.
    Abandoned,
}

/// The place of one actor on a thread, released when dropped.
#[derive(Debug)]
pub(super) struct ThreadSlot {
    pub(super) arbiter: ArbiterHandle,
    state: Arc<ThreadState>,
}

impl ActorThread {
    /// Starts a thread. Must be called within an actix system.
    ///
    /// # Errors
    /// If the system refuses a thread or the descriptors of its event loop.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = || Builder::new_current_thread().enable_all().build();
        Ok(Self {
            arbiter: Arbiter::try_with_tokio_rt(runtime).map_err(cannot_start)?,
            state: Arc::new(ThreadState {
                health: watch::Sender::new(Health::Responsive),
                shared: SharedValues::default(),
            }),
        })
    }

    /// Number of actors on the thread.
    pub(super) fn actors(&self) -> usize {
        Arc::strong_count(&self.state) - 1
    }

    /// A slot for one more actor.
    pub(super) fn slot(&self) -> ThreadSlot {
        ThreadSlot {
            arbiter: self.arbiter.handle(),
            state: Arc::clone(&self.state),
        }
    }

    /// Pings the thread, unless a ping is unanswered.
    pub(super) fn ping(&self) {
        let health = &self.state.health;
        let pinged = health.send_if_modified(|health| {
            let is_responsive = *health == Health::Responsive;
            if is_responsive {
                *health = Health::Pinged(Instant::now());
            }
            is_responsive
        });
        if pinged {
            let health = health.clone();
            self.arbiter.spawn_fn(move || {
                health.send_replace(Health::Responsive);
            });
        }
    }

    /// How long a ping has been unanswered; `None` for an abandoned thread.
    pub(super) fn unanswered_for(&self) -> Option<Duration> {
        match *self.state.health.borrow() {
            Health::Pinged(since) => Some(since.elapsed()),
            Health::Responsive | Health::Abandoned => None,
        }
    }

    /// Abandons a thread with an unanswered ping. It is used again if it answers later.
    pub(super) fn abandon(&self) {
        let abandon = |health: &mut Health| {
            let is_pinged = matches!(health, Health::Pinged(_));
            if is_pinged {
                *health = Health::Abandoned;
            }
            is_pinged
        };
        self.state.health.send_if_modified(abandon);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.state.is_abandoned()
    }

    /// Resolves when no ping is unanswered, to whether the thread has answered; an abandoned
    /// thread has not.
    pub(super) fn pong(&self) -> impl Future<Output = bool> + use<> {
        let mut health = self.state.health.subscribe();
        async move {
            let is_pinged = |health: &Health| matches!(health, Health::Pinged(_));
            let settled = health.wait_for(|health| !is_pinged(health)).await;
            settled.is_ok_and(|health| *health == Health::Responsive)
        }
    }

    /// Ends the thread as soon as its current code returns.
    pub(super) fn stop(&self) {
        self.arbiter.stop();
    }
}

impl ThreadSlot {
    /// What the sources of the thread share.
    pub(super) fn shared(&self) -> SharedValues {
        self.state.shared.clone()
    }

    /// Whether the thread was abandoned.
    pub(super) fn is_abandoned(&self) -> bool {
        self.state.is_abandoned()
    }
}

impl ThreadState {
    fn is_abandoned(&self) -> bool {
        *self.health.borrow() == Health::Abandoned
    }
}
