//! Each promise of the supervisor, with the clock paused: time passes only when
//! nothing else can happen, so the rests are exact and nothing is waited for.

mod model_test;

use super::*;
use crate::admission::GlobalLimit;
use crate::metrics::Metrics;
use crate::paused::paused;
use crate::report::State;
use actix::dev::channel;
use actix::fut::WrapFuture;
use actix::{Addr, AsyncContext, Handler, MailboxError, Message, ResponseActFuture};
use std::sync::Mutex;
use tokio::time::sleep;

/// Where the actor is told to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Handler,
    Future,
    Timer,
    Started,
    Restarting,
    Stop,
}

/// An actor that fails where it is told to.
struct Failing {
    plan: Arc<Mutex<Plan>>,
    /// Renewed by `restarting`.
    handled: u32,
}

/// What survives the actor's failures.
#[derive(Debug, Default)]
struct Plan {
    fail_in_started: u32,
    fail_in_restarting: u32,
    stop_in_started: bool,
    starts: Vec<Instant>,
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
            panic!("told to fail in started()");
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
            panic!("told to fail in restarting()");
        }
    }
}

struct Fail(Place);
impl Message for Fail {
    type Result = ();
}
impl Handler<Fail> for Failing {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, Fail(place): Fail, context: &mut Self::Context) -> Self::Result {
        use actix::ActorContext;
        match place {
            Place::Handler => panic!("told to fail in a handler"),
            Place::Future => {
                Box::pin(async { panic!("told to fail in a future") }.into_actor(self))
            }
            Place::Timer => {
                context.run_later(Duration::ZERO, |_, _| panic!("told to fail in a timer"));
                Box::pin(std::future::pending().into_actor(self))
            }
            Place::Started => {
                self.plan.lock().unwrap().fail_in_started = 2;
                panic!("told to fail, and again in started()")
            }
            Place::Restarting => {
                self.plan.lock().unwrap().fail_in_restarting = 2;
                panic!("told to fail, and again in restarting()")
            }
            Place::Stop => {
                context.stop();
                Box::pin(std::future::pending().into_actor(self))
            }
        }
    }
}

/// Answers with how many of these were handled since the last restart.
struct Count;
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

/// Never answered: its caller is freed by the supervisor or not at all.
struct Hang;
impl Message for Hang {
    type Result = ();
}
impl Handler<Hang> for Failing {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Hang, _: &mut Self::Context) -> Self::Result {
        Box::pin(std::future::pending().into_actor(self))
    }
}

/// A supervised [`Failing`] and all that can be seen of it.
struct Subject {
    address: Addr<Failing>,
    plan: Arc<Mutex<Plan>>,
    status: Arc<Status>,
    shutdown: ShutdownFlag,
    task: tokio::task::JoinHandle<()>,
}

fn subject_with(plan: Plan) -> Subject {
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
        crate::backoff::ACTOR_BACKOFF,
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

fn subject() -> Subject {
    subject_with(Plan::default())
}

impl Subject {
    fn starts(&self) -> Vec<Instant> {
        self.plan.lock().unwrap().starts.clone()
    }

    /// The time between one start and the next.
    fn gaps(&self) -> Vec<Duration> {
        let starts = self.starts();
        starts.windows(2).map(|two| two[1] - two[0]).collect()
    }

    /// Fails at `place` and waits for the rest to be over.
    async fn fail(&self, place: Place) {
        let freed = self.address.send(Fail(place)).await;
        assert_eq!(freed, Err(MailboxError::Closed), "{place:?}");
        assert_eq!(self.status.snapshot().state, State::Backoff, "{place:?}");
    }
}

/// Within the nominal rest and the jitter's fifth below it; timers tick in milliseconds.
fn assert_rest(rest: Duration, nominal: Duration) {
    let tick = Duration::from_millis(2);
    assert!(rest <= nominal + tick, "{rest:?} is over {nominal:?}");
    assert!(
        rest >= nominal.mul_f64(0.8) - tick,
        "{rest:?} is far under {nominal:?}"
    );
}

const FIRST: Duration = Duration::from_millis(100);

#[test]
fn whatever_fails_is_restarted_with_fresh_fields_behind_the_same_address() {
    for place in [Place::Handler, Place::Future, Place::Timer, Place::Stop] {
        paused(async move {
            let subject = subject();
            assert_eq!(subject.address.send(Count).await, Ok(1));
            assert_eq!(subject.address.send(Count).await, Ok(2));
            subject.fail(place).await;
            assert_eq!(subject.address.send(Count).await, Ok(1), "{place:?}");
            let snapshot = subject.status.snapshot();
            assert_eq!((snapshot.state, snapshot.restarts), (State::Running, 1));
            assert_rest(subject.gaps()[0], FIRST);
        });
    }
}

#[test]
fn a_panic_in_started_rests_longer_each_time() {
    paused(async {
        let subject = subject();
        subject.fail(Place::Started).await;
        assert_eq!(subject.address.send(Count).await, Ok(1));
        let gaps = subject.gaps();
        assert_eq!(gaps.len(), 3);
        for (index, gap) in gaps.iter().enumerate() {
            assert_rest(*gap, FIRST * 2_u32.pow(u32::try_from(index).unwrap()));
        }
        assert_eq!(subject.status.snapshot().restarts, 3);
    });
}

#[test]
fn a_panic_in_restarting_rests_again_and_recovers() {
    paused(async {
        let subject = subject();
        subject.fail(Place::Restarting).await;
        assert_eq!(subject.address.send(Count).await, Ok(1));
        // One start before; then restarting() went wrong twice before the next one.
        let gaps = subject.gaps();
        assert_eq!(gaps.len(), 1);
        assert_rest(gaps[0], FIRST * 7);
        assert_eq!(subject.status.snapshot().restarts, 3);
    });
}

#[test]
fn a_stop_in_started_does_not_spin() {
    paused(async {
        let subject = subject_with(Plan {
            stop_in_started: true,
            ..Plan::default()
        });
        sleep(Duration::from_secs(120)).await;
        // 0.1 + 0.2 + … + 25.6 s, then one every 30 s at the most and 24 s at the least.
        let starts = subject.starts().len();
        assert!((9..=14).contains(&starts), "{starts} starts in two minutes");
    });
}

#[test]
fn rests_grow_to_the_longest_and_begin_anew_after_quiet() {
    paused(async {
        let subject = subject();
        for _ in 0..11 {
            subject.fail(Place::Handler).await;
            assert_eq!(subject.address.send(Count).await, Ok(1));
        }
        let longest = Duration::from_secs(30);
        for (index, gap) in subject.gaps().iter().enumerate() {
            let doubled = FIRST * 2_u32.pow(u32::try_from(index).unwrap());
            assert_rest(*gap, doubled.min(longest));
        }
        sleep(Duration::from_secs(61)).await;
        let before = Instant::now();
        subject.fail(Place::Handler).await;
        assert_eq!(subject.address.send(Count).await, Ok(1));
        assert_rest(before.elapsed(), FIRST);
    });
}

#[test]
fn pending_callers_hear_at_once_and_not_after_the_rest() {
    paused(async {
        let subject = subject();
        let pending: Vec<_> = (0..8)
            .map(|_| actix_rt::spawn(subject.address.send(Hang)))
            .collect();
        assert_eq!(subject.address.send(Count).await, Ok(1));
        let before = Instant::now();
        subject.fail(Place::Handler).await;
        for caller in pending {
            assert_eq!(caller.await.unwrap(), Err(MailboxError::Closed));
        }
        assert_eq!(before.elapsed(), Duration::ZERO, "the clock has not moved");
    });
}

#[test]
fn queued_messages_are_kept_and_answered_after_the_rest() {
    paused(async {
        let subject = subject();
        let poison = actix_rt::spawn(subject.address.send(Fail(Place::Handler)));
        let queued: Vec<_> = (0..5)
            .map(|_| actix_rt::spawn(subject.address.send(Count)))
            .collect();
        assert_eq!(poison.await.unwrap(), Err(MailboxError::Closed));
        let mut answers = Vec::new();
        for caller in queued {
            answers.push(caller.await.unwrap());
        }
        assert_eq!(answers, [Ok(1), Ok(2), Ok(3), Ok(4), Ok(5)]);
        assert_eq!(
            subject.status.snapshot().restarts,
            1,
            "the poison is not tried again"
        );
    });
}

#[test]
fn siblings_on_the_same_thread_never_notice() {
    paused(async {
        let (failing, sibling) = (subject(), subject());
        assert_eq!(sibling.address.send(Count).await, Ok(1));
        let waiting = actix_rt::spawn(sibling.address.send(Hang));
        for place in [Place::Handler, Place::Future, Place::Timer, Place::Started] {
            failing.fail(place).await;
            assert_eq!(failing.address.send(Count).await, Ok(1));
        }
        assert_eq!(sibling.address.send(Count).await, Ok(2));
        assert!(!waiting.is_finished());
        assert_eq!(sibling.starts().len(), 1);
        assert_eq!(sibling.status.snapshot().restarts, 0);
    });
}

#[test]
fn while_it_rests_callers_are_refused_with_the_time_left() {
    paused(async {
        let subject = subject();
        assert!(subject.status.admit().is_ok());
        subject.fail(Place::Handler).await;
        let error = subject.status.admit().unwrap_err();
        assert_eq!(error.reason, crate::Reason::Backoff);
        assert!(
            error
                .retry_after
                .is_some_and(|left| left <= FIRST && left > FIRST / 2)
        );
        assert_eq!(subject.address.send(Count).await, Ok(1));
        assert!(subject.status.admit().is_ok());
    });
}

#[test]
fn an_actor_that_is_shut_down_ends_and_one_without_an_address_does_too() {
    paused(async {
        let stopped = subject();
        assert_eq!(stopped.address.send(Count).await, Ok(1));
        stopped.shutdown.request();
        let _ = stopped.address.send(Fail(Place::Stop)).await;
        stopped.task.await.unwrap();
        assert_eq!(stopped.status.snapshot().state, State::Stopped);

        let forsaken = subject();
        drop(forsaken.address);
        forsaken.task.await.unwrap();
        assert_eq!(forsaken.status.snapshot().state, State::Stopped);
    });
}
