//! The supervisor of an actor: catches panics and restarts the actor behind the same address.
//!
//! actix's own `Supervisor` restarts an actor only after `ctx.stop()`, immediately and without
//! limit, and loses it after a panic. This future polls the actor instead, and is the only place
//! that catches panics. It must not depend on what the actor does.
//!
//! A panic in a handler, in a future or timer of the context, in `started()` or in
//! `restarting()`, and an unexpected stop, have the same effect:
//!
//! 1. The back-off is published, so that new scrapes are refused.
//! 2. [`ContextFut::restart`] is called immediately. It drops the work in progress, which frees
//!    waiting callers now instead of after the back-off. It keeps the mailbox and the address,
//!    and calls `restarting()`, which resets the fields.
//! 3. The back-off passes.
//! 4. The next poll calls `started()`, which opens the source.
//!
//! A message that causes a panic was removed from the mailbox before it was handled. It is not
//! handled again, so it cannot cause a loop.

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

/// Tells a supervisor that the next stop of the actor is intended.
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

/// A supervised actor, as one future.
pub(crate) struct Supervisor<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    actor: ContextFut<A, Context<A>>,
    status: Arc<Status>,
    shutdown: ShutdownFlag,
    backoff: Backoff,
    /// Adds the selector to everything that is logged while the actor runs, including panics.
    span: Span,
    phase: Phase,
}

enum Phase {
    Running {
        since: Instant,
    },
    Backoff {
        sleep: Pin<Box<Sleep>>,
        reset: Reset,
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

/// Whether [`ContextFut::restart`] succeeded or panicked; then it must be called again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reset {
    Done,
    Failed,
}

/// Whether the address of the actor still exists.
enum Address {
    InUse,
    Dropped,
}

/// How the actor ended.
enum End {
    Stopped,
    Panicked,
}

impl<A> Supervisor<A>
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

    /// Steps 1 and 2 of a restart.
    fn back_off(&mut self, end: &End, ran: Duration) -> Address {
        let backoff = self.backoff.next_delay(ran, fastrand::f64());
        let until = Instant::now() + backoff;
        self.status.backing_off(until);
        match end {
            // The panic hook of the process has logged the panic with its backtrace.
            End::Panicked => tracing::warn!(?backoff, "actor panicked"),
            End::Stopped => tracing::warn!(?backoff, "actor stopped unexpectedly"),
        }
        let reset = match catch_unwind(AssertUnwindSafe(|| self.actor.restart())) {
            Ok(true) => Reset::Done,
            Ok(false) => return Address::Dropped,
            Err(_) => Reset::Failed,
        };
        let sleep = Box::pin(sleep_until(until));
        self.phase = Phase::Backoff { sleep, reset };
        Address::InUse
    }

    /// Polls the actor until it ends.
    fn run(&mut self, cx: &mut task::Context<'_>) -> Poll<End> {
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.actor).poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(End::Stopped),
            Err(_) => Poll::Ready(End::Panicked),
        }
    }

    /// Polls the actor or its back-off.
    fn poll_phase(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
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
                Phase::Backoff { sleep, reset } => {
                    ready!(sleep.as_mut().poll(cx));
                    if *reset == Reset::Done {
                        self.phase = Phase::running(&self.status);
                        continue;
                    }
                    // `restarting()` panicked: back off again, then call it again.
                    (End::Panicked, Duration::ZERO)
                }
            };
            if let Address::Dropped = self.back_off(&end, ran) {
                self.status.stopped();
                return Poll::Ready(());
            }
        }
    }
}

impl<A> Future for Supervisor<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let span = this.span.clone();
        let _entered = span.enter();
        this.status.poll_started();
        let done = this.poll_phase(cx);
        this.status.poll_ended();
        done
    }
}

#[cfg(test)]
mod tests;
