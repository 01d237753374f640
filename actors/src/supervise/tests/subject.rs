//! An actor that fails on request, under supervision.

use crate::admission::GlobalLimit;
use crate::backoff::ACTOR_BACKOFF;
use crate::metrics::Metrics;
use crate::report::State;
use crate::status::Status;
use crate::supervise::{ShutdownFlag, Supervisor};
use actix::dev::channel;
use actix::fut::WrapFuture;
use actix::{
    Actor, Addr, AsyncContext, Context, Handler, MailboxError, Message, ResponseActFuture,
    Supervised,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use tracing::Span;

/// Where the actor fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    Handler,
    Future,
    Timer,
    Started,
    Restarting,
    Stop,
}

/// An actor that fails on request.
pub(super) struct Failing {
    plan: Arc<Mutex<Plan>>,
    /// Reset by `restarting`.
    handled: u32,
}

/// What outlives the failures of the actor.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// How often `started` and `restarting` will fail.
    pub(super) fail_in_started: u32,
    pub(super) fail_in_restarting: u32,
    pub(super) stop_in_started: bool,
    pub(super) starts: Vec<Instant>,
}

impl Actor for Failing {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        use actix::ActorContext;
        let mut plan = self.plan.lock().unwrap();
        plan.starts.push(Instant::now());
        if plan.stop_in_started {
            context.stop();
        }
        if plan.fail_in_started > 0 {
            plan.fail_in_started -= 1;
            drop(plan);
            panic!("requested failure in started()");
        }
    }
}

impl Supervised for Failing {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.handled = 0;
        let mut plan = self.plan.lock().unwrap();
        if plan.fail_in_restarting > 0 {
            plan.fail_in_restarting -= 1;
            drop(plan);
            panic!("requested failure in restarting()");
        }
    }
}

/// Makes the actor fail.
pub(super) struct Fail(pub(super) Point);
impl Message for Fail {
    type Result = ();
}
impl Handler<Fail> for Failing {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, Fail(point): Fail, context: &mut Self::Context) -> Self::Result {
        use actix::ActorContext;
        match point {
            Point::Handler => panic!("requested failure in a handler"),
            Point::Future => {
                Box::pin(async { panic!("requested failure in a future") }.into_actor(self))
            }
            Point::Timer => {
                context.run_later(Duration::ZERO, |_, _| {
                    panic!("requested failure in a timer")
                });
                Box::pin(std::future::pending().into_actor(self))
            }
            Point::Started => {
                self.plan.lock().unwrap().fail_in_started = 2;
                panic!("requested failure, and again in started()")
            }
            Point::Restarting => {
                self.plan.lock().unwrap().fail_in_restarting = 2;
                panic!("requested failure, and again in restarting()")
            }
            Point::Stop => {
                context.stop();
                Box::pin(std::future::pending().into_actor(self))
            }
        }
    }
}

/// Returns how many of these messages were handled since the last restart.
pub(super) struct Count;
impl Message for Count {
    type Result = u32;
}
impl Handler<Count> for Failing {
    type Result = u32;

    fn handle(&mut self, _: Count, _: &mut Self::Context) -> u32 {
        self.handled += 1;
        self.handled
    }
}

/// Never completes: only the supervisor can free its caller.
pub(super) struct Hang;
impl Message for Hang {
    type Result = ();
}
impl Handler<Hang> for Failing {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Hang, _: &mut Self::Context) -> Self::Result {
        Box::pin(std::future::pending().into_actor(self))
    }
}

/// A supervised [`Failing`] and its observable state.
pub(super) struct Subject {
    pub(super) address: Addr<Failing>,
    pub(super) plan: Arc<Mutex<Plan>>,
    pub(super) status: Arc<Status>,
    pub(super) shutdown: ShutdownFlag,
    pub(super) task: tokio::task::JoinHandle<()>,
}

pub(super) fn subject_with(plan: Plan) -> Subject {
    let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
    let status = Arc::new(Status::new(
        metrics.selector("s"),
        16,
        GlobalLimit::unlimited(),
    ));
    let plan = Arc::new(Mutex::new(plan));
    let (sender, mailbox) = channel::channel(16);
    let actor = Failing {
        plan: Arc::clone(&plan),
        handled: 0,
    };
    let shutdown = ShutdownFlag::default();
    let supervisor = Supervisor::new(
        Context::with_receiver(mailbox),
        actor,
        Arc::clone(&status),
        shutdown.clone(),
        ACTOR_BACKOFF,
        Span::none(),
    );
    Subject {
        address: Addr::new(sender),
        plan,
        status,
        shutdown,
        task: actix_rt::spawn(supervisor),
    }
}

pub(super) fn subject() -> Subject {
    subject_with(Plan::default())
}

impl Subject {
    pub(super) fn starts(&self) -> Vec<Instant> {
        self.plan.lock().unwrap().starts.clone()
    }

    /// The times between consecutive starts.
    pub(super) fn gaps(&self) -> Vec<Duration> {
        let starts = self.starts();
        starts.windows(2).map(|two| two[1] - two[0]).collect()
    }

    /// Lets the actor fail, and checks that the caller is freed and the back-off published.
    pub(super) async fn fail(&self, point: Point) {
        let freed = self.address.send(Fail(point)).await;
        assert_eq!(freed, Err(MailboxError::Closed), "{point:?}");
        assert_eq!(self.status.snapshot().state, State::Backoff, "{point:?}");
    }
}
