//! Keeps an actor going behind one address: catch, cancel, rest, restart.
//!
//! actix's own `Supervisor` restarts an actor only after `ctx.stop()`, at once
//! and without end, and loses it for good after a panic. This future polls the
//! actor instead, and is the only place that catches panics. It may not know
//! what the actor does.
//!
//! A panic in a handler, in a future or timer of the context, in `started()`
//! or in `restarting()`, and a stop that nobody asked for, all end the same way:
//!
//! 1. the rest is published, so that callers are refused from now on;
//! 2. [`ContextFut::restart`] is called at once: it drops what was under way,
//!    which frees pending callers now and not after the rest, keeps the mailbox
//!    and the address, and lets `restarting()` renew the fields;
//! 3. the rest is slept;
//! 4. the next poll runs `started()`, which opens the source.
//!
//! The message that caused a panic was taken from the mailbox before it was
//! handled: it is not tried again, so a poisonous one cannot loop.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place that catches panics"
)]

use crate::backoff::Backoff;
use crate::status::Status;
use actix::dev::ContextFut;
use actix::{Actor, Context, Supervised};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::Span;

/// Tells a supervisor that the actor's next stop is meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShutdownFlag(Arc<AtomicBool>);

impl ShutdownFlag {
    pub(crate) fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// An actor under supervision, as one future to be spawned.
pub(crate) struct Supervision<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    actor: ContextFut<A, Context<A>>,
    status: Arc<Status>,
    shutdown: ShutdownFlag,
    backoff: Backoff,
    /// Names the selector in whatever is logged while the actor runs, a panic included.
    span: Span,
    phase: Phase,
}

enum Phase {
    Running {
        since: Instant,
    },
    Backoff {
        sleep: Pin<Box<Sleep>>,
        context: ContextState,
    },
}

impl Phase {
    fn running(status: &Status) -> Self {
        status.running();
        Self::Running {
            since: Instant::now(),
        }
    }
}

/// Whether [`ContextFut::restart`] went through, or panicked and is owed once more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ContextState {
    Renewed,
    Stale,
}

/// Whether anybody can still send to the actor.
enum Address {
    Held,
    Forsaken,
}

/// What ended a poll of the actor.
enum End {
    Stopped,
    Panicked,
}

impl<A> Supervision<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    pub(crate) fn new(
        context: Context<A>,
        actor: A,
        status: Arc<Status>,
        shutdown: ShutdownFlag,
        backoff: Backoff,
        span: Span,
    ) -> Self {
        Self {
            phase: Phase::running(&status),
            actor: context.into_future(actor),
            status,
            shutdown,
            backoff,
            span,
        }
    }

    /// Steps 1 and 2 above.
    fn rest(&mut self, end: &End, ran: Duration) -> Address {
        let rest = self.backoff.next_delay(ran, fastrand::f64());
        let until = Instant::now() + rest;
        self.status.backing_off(until);
        match end {
            // The panic itself was logged by the process' hook, with its backtrace.
            End::Panicked => tracing::warn!(?rest, "actor panicked and rests"),
            End::Stopped => tracing::warn!(?rest, "actor stopped by itself and rests"),
        }
        let context = match catch_unwind(AssertUnwindSafe(|| self.actor.restart())) {
            Ok(true) => ContextState::Renewed,
            Ok(false) => return Address::Forsaken,
            Err(_) => ContextState::Stale,
        };
        let sleep = Box::pin(sleep_until(until));
        self.phase = Phase::Backoff { sleep, context };
        Address::Held
    }

    fn run(&mut self, cx: &mut task::Context<'_>) -> Poll<End> {
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.actor).poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(End::Stopped),
            Err(_) => Poll::Ready(End::Panicked),
        }
    }

    /// One turn of the actor on its thread.
    fn poll_actor(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        loop {
            let (end, ran) = match &mut self.phase {
                Phase::Running { since } => {
                    let since = *since;
                    let end = ready!(self.run(cx));
                    if self.shutdown.is_requested() {
                        self.status.stopped();
                        return Poll::Ready(());
                    }
                    (end, since.elapsed())
                }
                Phase::Backoff { sleep, context } => {
                    ready!(sleep.as_mut().poll(cx));
                    if *context == ContextState::Renewed {
                        self.phase = Phase::running(&self.status);
                        continue;
                    }
                    // `restarting()` panicked: rest once more, then try it again.
                    (End::Panicked, Duration::ZERO)
                }
            };
            if let Address::Forsaken = self.rest(&end, ran) {
                self.status.stopped();
                return Poll::Ready(());
            }
        }
    }
}

impl<A> Future for Supervision<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let span = this.span.clone();
        let _entered = span.enter();
        this.status.poll_started();
        let done = this.poll_actor(cx);
        this.status.poll_ended();
        done
    }
}

#[cfg(test)]
mod tests;
